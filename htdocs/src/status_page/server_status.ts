/**
 * What the status server answers, as far as the page uses it; docs/status.md has every field. Types only.
 */

export interface AgeClass {
  up_to_ms: number | null;
  frames: number;
}

export interface Counted {
  connections: number;
  listeners: number;
  notify_clients: number;
  frames_sent: number;
  bytes_sent: number;
  frames_skipped: number;
  jumps: number;
  frame_age: { frames: number; classes: AgeClass[] };
}

export interface WorkerStatus extends Counted {
  slot: number;
  pid: number | null;
  generation: number;
  state: string;
  uptime_s: number | null;
  restarts: number;
  /** How often its worker died without being asked to. */
  crashes: number;
  cpu_user_s: number | null;
  cpu_system_s: number | null;
  memory_bytes: number | null;
}

export interface SourceStatus {
  state: string;
  pid: number | null;
  uptime_s: number | null;
  restarts: number;
  playing: boolean;
  told_to_pause: boolean;
  last_frame_age_ms: number | null;
  frames: number;
  frame_bytes: number;
  broken_frames: number;
  broken_bytes: number;
}

export interface ServerStatus {
  version: string;
  pid: number;
  uptime_s: number;
  ready: boolean;
  /** Why it is not. */
  reasons: string[];
  upgrades: number;
  upgrade_error: string | null;
  replacing_workers: boolean;
  source: SourceStatus;
  ring: { size_bytes: number; used_bytes: number; records: number; stream_position_bytes: number; held_ms: number };
  metadata: { current_track?: { uri: string; name: string }; listener_count: number; veto_count: number };
  totals: Counted;
  escrow: { on: boolean; held: number; max: number; clients_not_held: number };
  workers: WorkerStatus[];
}

export interface ListenerStatus {
  worker: number;
  /** Up to 2^63-1, which a number does not hold. */
  id: string;
  peer: string;
  peer_port: number;
  listening_s: number;
  lag_ms: number;
  max_lag_ms: number;
  queue_bytes: number;
  frames_sent: number;
  frames_skipped: number;
  jumps: number;
}
