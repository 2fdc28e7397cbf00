/** Finds the TypeScript that an import of our own names by what it is compiled to: `./clock.js` is clock.ts. */
const { existsSync } = require("node:fs");
const { resolve } = require("node:path");

module.exports = (request, options) => {
  if (request.startsWith(".") && request.endsWith(".js") && !options.basedir.includes("/node_modules/")) {
    const source = resolve(options.basedir, `${request.slice(0, -3)}.ts`);
    if (existsSync(source)) return source;
  }
  return options.defaultResolver(request, options);
};
