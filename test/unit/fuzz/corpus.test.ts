import { fileURLToPath } from "node:url";
import { describe, expect, it } from "@jest/globals";
import { TARGETS } from "../../fuzz/all-targets.js";
import { Corpus } from "../../fuzz/corpus.js";
import { because } from "../../support/expectations.js";

const corpus = new Corpus(fileURLToPath(new URL("../../fuzz/corpus", import.meta.url)));

describe.each([...TARGETS])("of what fuzzing has kept for %s", (name, make) => {
  it("nothing is found any more", async () => {
    const target = await make();
    try {
      for (const [file, input] of await corpus.of(name)) {
        const outcome = await Promise.resolve(target.run(input)).then(
          () => "nothing",
          (error: unknown) => String(error),
        );
        because(file, () => expect(outcome).toBe("nothing"));
      }
    } finally {
      await target.close?.();
    }
  });
});
