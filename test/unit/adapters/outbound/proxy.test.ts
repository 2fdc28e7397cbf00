import { afterEach, describe, expect, it } from "@jest/globals";
import { proxyFor, proxySecrets, unusableProxies } from "../../../../src/adapters/outbound/proxy.js";

const VARIABLES = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"];

afterEach(() => {
  for (const name of VARIABLES) Reflect.deleteProperty(process.env, name);
});

describe("a proxy of the environment", () => {
  it.each([
    ["http://proxy:3128", "proxy:3128"],
    ["proxy:3128", "proxy:3128"],
    ["http://user:p%40ss@proxy:3128", "proxy:3128"],
    ["", undefined],
    [" ", undefined],
  ])("%p is used, or none is set", (value, host) => {
    process.env["HTTPS_PROXY"] = value;
    expect(proxyFor("https://edge")?.host).toBe(host);
    expect(unusableProxies(["https://edge", "wss://edge"])).toEqual([]);
  });

  it.each([
    ["socks5://proxy:1080", "socks5://proxy:1080"],
    ["http://proxy:99999", "http://proxy:99999"],
    ["://", "://"],
    ["http://user:50%@proxy:3128", "http://***@proxy:3128"],
  ])("%p cannot be used, is said to be so once, and fails nothing", (value, shown) => {
    process.env["HTTPS_PROXY"] = value;
    expect(proxyFor("https://edge")).toBeUndefined();
    expect(unusableProxies(["https://edge", "https://api", "wss://api"])).toEqual([
      expect.stringContaining(`the proxy ${shown} of HTTPS_PROXY`),
    ]);
  });

  it("is nobody's business where NO_PROXY excludes the server", () => {
    process.env["HTTPS_PROXY"] = "socks5://proxy:1080";
    process.env["NO_PROXY"] = "edge";
    expect(unusableProxies(["https://edge"])).toEqual([]);
  });

  it("has a password that is a secret, as it is written and decoded, also where it cannot be decoded", () => {
    expect(proxySecrets({ HTTPS_PROXY: "http://user:p%40ss@proxy", HTTP_PROXY: "http://user:50%@proxy" })).toEqual([
      "p%40ss",
      "p@ss",
      "50%",
      "50%",
    ]);
  });
});
