/** What random tests draw from: the same in each run unless TEST_SEED tells another. `TEST_SEED=random npm test` takes a new one, and says which where a test fails. */
export const TEST_SEED = Number(process.env["TEST_SEED"] ?? 20_261_129);
