use std::collections::HashSet;

use super::*;

#[test]
fn every_segment_has_its_own_name_place_and_file() {
    let ids: HashSet<&str> = SEGMENTS.iter().map(|segment| segment.id).collect();
    let priorities: HashSet<u8> = SEGMENTS.iter().map(|segment| segment.priority).collect();
    assert_eq!((ids.len(), priorities.len()), (SEGMENTS.len(), SEGMENTS.len()));
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/segments");
    let files =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut files: Vec<String> =
        files.filter(|name| !["mod.rs", "tests.rs"].contains(&name.as_str())).collect();
    let mut named: Vec<String> = ids.iter().map(|id| format!("{id}.rs")).collect();
    files.sort();
    named.sort();
    assert_eq!(files, named);
}

#[test]
fn alerts_and_limits_give_way_last() {
    let of = |id| find(id).unwrap().priority;
    let others = SEGMENTS.iter().filter(|it| !["alert", "five_hour", "week"].contains(&it.id));
    let highest = others.map(|it| it.priority).max().unwrap();
    assert!(of("alert") > of("five_hour") && of("five_hour") > of("week") && of("week") > highest);
}

#[test]
fn the_presets_name_segments_that_exist() {
    for preset in crate::preset::Preset::ALL {
        for id in preset.lines().concat() {
            assert!(find(id).is_some(), "{id}");
        }
    }
}
