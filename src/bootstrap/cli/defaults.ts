/** What commands do unless they are told otherwise, for them and for the help. */
export const CHECK_TIMEOUT_MS = 5_000;
export const EMULATOR_PORT = 4_010;
export const EMULATOR_HOST = "127.0.0.1";
/** How long a change may take until the implementation has heard of it. */
export const CONFORMANCE_PATIENCE_MS = 10_000;
