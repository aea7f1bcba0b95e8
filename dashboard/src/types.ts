// The answers of the API, as far as the page reads them.
// Must not: hold code. What may be missing is optional here, so that the compiler asks.

export interface Sums {
  cost: number;
  calls: number;
  tokens: number;
  input: number;
  output: number;
  cache_write_5m: number;
  cache_write_1h: number;
  cache_read: number;
  cache_savings: number;
  unpriced_calls: number;
}

export interface Group {
  call_count: number;
  unpriced_calls: number;
  total_cost: number;
  total_tokens?: number;
}

export interface Point {
  timestamp: string;
  cost: number;
  calls: number;
  tokens: number;
  unpriced_calls: number;
  by_tier?: Record<string, number>;
  /** The dearest of what it is split by. */
  by?: Record<string, number>;
  /** All others. */
  rest?: number;
}

export interface RecentCall {
  timestamp: string;
  model: string;
  project: string;
  project_path: string;
  tokens: number;
  /** Null: the model has no price. */
  cost: number | null;
}

export interface Stats {
  period: { type: string; start: string; end: string; end_exclusive?: string; timezone: string };
  summary: {
    total_cost_usd: number;
    total_calls: number;
    total_tokens: number;
    tokens_by_type: Record<string, number>;
    cache_savings_usd: number;
    /** Of the calls with a price; null: none has one. */
    avg_cost_per_call: number | null;
    unpriced_calls: number;
  };
  by_model_tier: Record<string, Group>;
  by_model: Record<string, Group>;
  by_project: Record<string, Group>;
  time_series: { granularity: string; data: Point[] };
  recent_calls: RecentCall[];
  sessions: { active_count: number; today_count: number; total_count: number };
}

export interface Totals {
  name: string;
  total_cost: number;
  total_calls: number;
  total_tokens: number;
  unpriced_calls: number;
  last_activity: string | null;
}

export interface Project extends Totals {
  path: string;
  branches?: Totals[];
}

export interface Session extends Sums {
  id: string;
  project: string;
  project_path: string;
  branch: string;
  first: string | null;
  last: string | null;
  active: boolean;
  models: string[];
}

export interface SessionPage {
  sessions: Session[];
  next_cursor: string | null;
}

export interface Call extends Omit<Sums, "cost" | "cache_savings" | "calls" | "unpriced_calls"> {
  id: number | string;
  /** Null: the model has no price. */
  cost: number | null;
  timestamp: string;
  model: string;
  tier: string;
  agent: string;
  skill: string;
  tools: string[];
  sidechain: boolean;
}

export interface SessionStory {
  session: Session;
  calls: Call[];
  next_cursor: string | null;
  tools: { name: string; uses: number; failures: number }[];
  agents: (Sums & { name: string })[];
}

export interface Burn {
  tokens_per_minute: number;
  cost_per_hour: number;
  calls: number;
  unpriced_calls: number;
}

export interface Block extends Sums {
  start: string;
  end: string | null;
  last: string | null;
  active: boolean;
  gap: boolean;
  burn_rate: Burn | null;
  burn_rate_recent: Burn | null;
  projection: { tokens: number; cost: number; minutes_left: number } | null;
}

export interface Slice extends Partial<Sums> {
  key: string;
  label: string;
  last_activity?: string | null;
  uses?: number;
  failures?: number;
}

export interface Breakdown {
  by: string;
  rows: Slice[];
}

export interface LimitWindow {
  window: string;
  /** `open`, `not_started`, `reset`, `local`, `unknown`. */
  state: string;
  percent: number | null;
  resetsAt: string | null;
  observedAt: string | null;
  ageSeconds: number | null;
  source: string | null;
  /** Nothing, or a sign that it is old. */
  mark: string;
  localTokens: number | null;
  pace: { percentPerHour: number; percentAtReset: number; fullAt: string | null } | null;
}

export interface Account {
  account: string;
  email?: string;
  directories: string[];
  login: { state: string; reason: string | null; since: string | null };
  loggedIn: boolean;
  nextTry: string | null;
  trouble: string | null;
  lastSuccess: string | null;
  lastFailure: { at: string; outcome: string } | null;
  windows: LimitWindow[];
}

export interface Alert {
  kind: string;
  account: string | null;
  window: string | null;
  detail: string;
}

export interface Limits {
  accounts: Account[];
  alerts: Alert[];
}

export interface Root {
  path: string;
  usable: boolean;
  transcripts: number;
  gone: number;
  bytes: number;
  last_event: string | null;
  damaged_lines: number;
  skipped_rows: number;
}

export interface Sources {
  roots: Root[];
  /** What was read under folders that are no root any more. */
  elsewhere: Root;
  /** No path: the ledger is in memory only. */
  ledger: { path: string | null; bytes: number; database_bytes: number; log_bytes: number; journal_bytes: number; calls: number; seq: number; zone: string };
  prices: { list: string };
  watcher: { mode: string; since: string | null };
  broker: { last_success: string | null; last_failure: string | null; last_failure_reason: string | null };
}

export interface Health {
  status: string;
  checks?: { name: string; ok: boolean; detail: string; at: string }[];
}
