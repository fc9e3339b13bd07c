/**
 * Planning a statement over partitions takes longer than running it, so each is planned once a connection, for whatever
 * parameters; tests hold the plans. To start other processes for it, or to compile it, takes longer still.
 */
export const PLANNING = {
  plan_cache_mode: 'force_generic_plan',
  max_parallel_workers_per_gather: '0',
  jit: 'off',
} as const
