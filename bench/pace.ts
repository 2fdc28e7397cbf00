/** How long and how often everything is measured. */
export interface Pace {
  readonly isSmoke: boolean;
  /** How often each contestant has its turn. */
  readonly rounds: number;
  readonly warmUpMs: number;
  readonly measuredMs: number;
  /** Cached while checks are measured. */
  readonly customers: number;
  /** Of the steady load. */
  readonly steadyMs: number;
}

export const FULL: Pace = { isSmoke: false, rounds: 5, warmUpMs: 400, measuredMs: 1_500, customers: 100_000, steadyMs: 60_000 };

/** Only that everything works: nothing that it measures means anything. */
export const SMOKE: Pace = { isSmoke: true, rounds: 1, warmUpMs: 20, measuredMs: 100, customers: 500, steadyMs: 300 };
