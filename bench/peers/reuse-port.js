/** Loaded before the sidecar: lets the kernel spread connections over all processes that listen on one port. */
import { Server } from "node:net";

const { listen } = Server.prototype;
Server.prototype.listen = function (options, ...rest) {
  const isShared = typeof options === "object" && options.port > 0;
  return listen.call(this, isShared ? { ...options, reusePort: true } : options, ...rest);
};
