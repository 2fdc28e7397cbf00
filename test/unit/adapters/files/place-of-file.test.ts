import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { placeOfFile } from "../../../../src/adapters/files/place-of-file.js";

let folder: string;
const at = (...names: readonly string[]) => join(folder, ...names);

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "place-"));
  await mkdir(at("volume", "deep"), { recursive: true });
  await writeFile(at("volume", "there"), "");
});
afterEach(() => rm(folder, { recursive: true }));

describe("the place of a file", () => {
  it("is its path, be it there or not", async () => {
    for (const path of [at("volume", "there"), at("volume", "not-yet"), at("no-volume", "not-yet")])
      expect(await placeOfFile(path)).toBe(path);
  });

  it.each(["there", "not-yet"])("behind links of any kind is where they lead to (%s)", async (name) => {
    await symlink(at("volume", name), at("absolute"));
    await symlink(join("volume", name), at("relative"));
    await symlink("relative", at("twice"));
    await symlink(join("..", name), at("volume", "deep", "up"));
    await symlink(join("volume", "deep"), at("folder"));
    for (const link of ["absolute", "relative", "twice", join("folder", "up")])
      expect([link, await placeOfFile(at(link))]).toEqual([link, at("volume", name)]);
  });

  it("is none where something else is, or links lead in circles", async () => {
    await symlink("volume", at("link"));
    await symlink("there", at("here"));
    await symlink("here", at("there"));
    await expect(placeOfFile(at("volume"))).rejects.toThrow(/volume is a directory, and not a file/);
    await expect(placeOfFile(at("link"))).rejects.toThrow(/volume is a directory, and not a file/);
    await expect(placeOfFile("/dev/null")).rejects.toThrow("/dev/null is a device, and not a file");
    await expect(placeOfFile(at("here"))).rejects.toThrow("here is a link that leads back to itself");
    await expect(placeOfFile(at("volume", "there", "below"))).rejects.toThrow("ENOTDIR");
  });
});
