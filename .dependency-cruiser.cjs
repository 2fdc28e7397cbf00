/** The hexagon, as rules: what a layer may import. Type-only imports count. */
const layer = (name, from, allowed, comment) => ({
  name,
  comment,
  severity: "error",
  from: { path: from },
  to: { pathNot: allowed },
});

module.exports = {
  forbidden: [
    { name: "no-cycles", severity: "error", from: {}, to: { circular: true } },
    {
      name: "no-orphans",
      severity: "error",
      from: { orphan: true, path: "^src/", pathNot: "^src/(public|bootstrap)/|\\.d\\.ts$" },
      to: {},
    },
    layer(
      "domain-imports-nothing",
      "^src/domain/",
      "^src/domain/",
      "The domain is pure: no port, no library, no Node.",
    ),
    layer("ports-import-domain", "^src/ports/", "^src/(domain|ports)/", "Ports speak the core's own words."),
    layer(
      "application-imports-inwards",
      "^src/application/",
      "^src/(domain|ports|application)/",
      "Use cases know no adapter and no library.",
    ),
    layer(
      "wire-imports-inwards",
      "^src/wire/",
      "^src/(domain|ports|wire)/|^(node:)?os$",
      "The vendor's wire format as data: what several adapters read, without any transport.",
    ),
    {
      name: "adapters-do-not-know-bootstrap-or-each-other",
      comment:
        "But for files and outbound: how a file is followed, and by which proxy a server is reached, is one mechanism for all that do.",
      severity: "error",
      from: { path: "^src/adapters/([^/]+)/" },
      to: { path: "^src/(bootstrap|public|adapters)/", pathNot: "^src/adapters/($1|files|outbound)/" },
    },
    {
      name: "only-what-drives-the-core-knows-use-cases",
      comment:
        "Calls come in by rpc, an operator's questions by ops; every other adapter is called by the core, through its port.",
      severity: "error",
      from: { path: "^src/adapters/", pathNot: "^src/adapters/(rpc|ops)/" },
      to: { path: "^src/application/" },
    },
    {
      name: "generated-code-only-in-rpc",
      severity: "error",
      from: { pathNot: "^(src/adapters/rpc|src/bootstrap/cli|test|bench)/|^src/public/client" },
      to: { path: "^src/adapters/rpc/gen/" },
    },
    {
      name: "inversify-only-in-bootstrap",
      severity: "error",
      from: { pathNot: "^src/bootstrap/" },
      to: { path: "node_modules/(inversify|@inversifyjs)/" },
    },
    {
      name: "domain-entry-is-pure",
      severity: "error",
      from: { path: "^src/public/domain" },
      to: { pathNot: "^src/domain/" },
    },
    {
      name: "no-dev-dependency-in-src",
      comment:
        "But for telemetry and the inspector's pages: they are written into bundles, so that an installation has none of their packages.",
      severity: "error",
      from: { path: "^src/", pathNot: "^src/adapters/(?:telemetry|ops/inspector/page)/" },
      to: { dependencyTypes: ["npm-dev", "npm-no-pkg"], dependencyTypesNot: ["type-only"] },
    },
    { name: "resolvable", severity: "error", from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    tsConfig: { fileName: "tsconfig.json" },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["import", "node", "default", "types"] },
  },
};
