import { isIPv6 } from "node:net";
import { type Parser, text } from "./parsers.js";

/** An address of this machine, or a name of one, to listen on; its port apart. An IPv6 address also in brackets. */
export const listenHost: Parser<string> = {
  allowed: "an IP address of this machine, or a host name, without a port",
  parse(given) {
    const address = given.replace(/^\[(.*)\]$/, "$1");
    if (isIPv6(address)) return { ok: true, value: address };
    if (given === "*") return { ok: false, hint: "leave it out to listen on all addresses" };
    if (/[\s:/@,[\]]/.test(given))
      return { ok: false, hint: "ports have variables of their own: GRPC_PORT, PORT and METRICS_PORT" };
    return text.parse(given);
  },
};
