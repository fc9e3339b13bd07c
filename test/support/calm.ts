/**
 * Settings for tests of anything but overload: a service neither refuses requests nor reports them as slow because the
 * machine is busy with something else.
 */
export const CALM = { MAX_QUEUE_MILLISECONDS: '60000', SLOW_REQUEST_MS: '0' } as const
