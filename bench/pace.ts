/** How long and how often everything is measured. */
export interface Pace {
  readonly isSmoke: boolean;
  /** How often each contestant has its turn. */
  readonly rounds: number;
  /** Before a server's first turn in a benchmark: as long as it takes until its code is compiled for this load. */
  readonly firstWarmUpMs: number;
  readonly warmUpMs: number;
  readonly measuredMs: number;
  /** Cached while checks are measured. */
  readonly customers: number;
  /** Of the steady load. */
  readonly steadyMs: number;
}

export const FULL: Pace = {
  isSmoke: false,
  rounds: 5,
  firstWarmUpMs: 2_000,
  warmUpMs: 400,
  measuredMs: 1_000,
  customers: 100_000,
  steadyMs: 60_000,
};

/** Only that everything works: nothing that it measures means anything. */
export const SMOKE: Pace = {
  isSmoke: true,
  rounds: 1,
  firstWarmUpMs: 20,
  warmUpMs: 20,
  measuredMs: 100,
  customers: 500,
  steadyMs: 300,
};
