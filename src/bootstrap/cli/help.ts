import { SETTINGS } from "../config/settings/settings.js";
import { CHECK_TIMEOUT_MS, CONFORMANCE_PATIENCE_MS, EMULATOR_HOST, EMULATOR_PORT } from "./defaults.js";

const OPS_OPTIONS = `      --address <host:port>      its metrics port, or a URL; else METRICS_PORT (else ${SETTINGS.metricsPort.defaultText}) of METRICS_HOST or LISTEN_HOST
      --token <token>            where it is asked from another machine; else OPS_TOKEN
      --timeout <ms>             how long to wait for the answer
      --json                     the whole answer`;

/** What each command does and takes, by its name. */
export const COMMAND_HELP = {
  serve: `entitlement-sidecar [serve]
    Runs the service. It is configured by environment variables alone; "help configuration" lists them.
    Without any command, and with QUEUE_URL set, "consume" is what runs.`,
  consume: `entitlement-sidecar consume
    Runs the persistent-cache service, as the program persistent-cache-service does; its "help configuration" lists
    the variables.`,
  check: `entitlement-sidecar check <customer> <feature> [options]
    Asks a running service, and answers in one line. Exit code 0: granted, 1: denied, 2: error.
      --requested-usage <n>      what is about to be used
      --requested-values <a,b>   values that all have to be allowed
      --resource <id>            one of the customer's resources
      --credits                  the second argument is the id of a credit currency
      --address <host:port>      where to ask, or a URL; else where serve listens in the same environment:
                                 GRPC_PORT (else ${SETTINGS.grpcPort.defaultText}) of LISTEN_HOST (else localhost)
      --timeout <time>           how long to wait for the answer, ms or with a unit (10s); else ${CHECK_TIMEOUT_MS}
      --json                     the whole answer, with its source, its age in milliseconds and its usage period
      --ca <file>                authorities (PEM) that a certificate of the service is verified against
      --insecure                 do not verify it
      --token <token>            a bearer token, where AUTH_TOKENS_FILE asks for one`,
  explain: `entitlement-sidecar explain <customer> <feature> [options]
    Has a running service say why a check is granted or denied: each rule with what it saw, where the state comes from, how old
    it is, and what would be answered with upstream gone. Exit code 0: granted, 1: denied, 2: error.
      --requested-usage <n>, --requested-values <a,b>, --resource <id>, --credits   as for check
      --at <time>                decide as of then (2026-01-31T12:00:00Z), on the present state
      --cached-only              ask nobody else, and change nothing
${OPS_OPTIONS}`,
  decisions: `entitlement-sidecar decisions [options]
    Finds decisions in the decision log (DECISION_LOG), with the files that it was rotated to, the oldest first. Exit code 0: some are
    found, 1: none, 2: error.
      --file <file>              else DECISION_LOG_FILE; - reads standard input
      --id <id>                  as an answer carries it in the header x-entitlement-decision
      --customer <id>, --feature <id>, --reason <reason>, --denied, --fallback
      --since <time>, --until <time>   2026-01-31T12:00:00Z, or how long ago: 90m
      --json                     the lines as they are`,
  status: `entitlement-sidecar status [options]
    Asks a running service how it is: version, configuration in force, everything it depends on, its cache. Also asks the
    persistent-cache service (--address). Exit code 0: well, 1: degraded or not as expected, 2: error.
      --expect <a=b,c<n>         members of the status with = != < <= > >= and a value, such as isDegraded=false
      --section <name>           only that member of the status
${OPS_OPTIONS}`,
  whatif: `entitlement-sidecar whatif --catalog <file> [options]
    Says who would gain and who would lose what under another catalog, with the same usage. Exit code 0: nobody loses, 1: somebody
    does, 2: error. The running service is not asked, and not disturbed.
      --from <file>              the catalog that is served now; else CATALOG_FILE
      --state <file>             the usage that counts, of which a copy is read; else CATALOG_STATE_FILE
      --customers <all|file>     whom to compare; a file has an id in each line
      --json                     one JSON object a line`,
  validate: `entitlement-sidecar validate <catalog file> [options]
    Says whether a catalog can be served, and if not, why. Exit code 0: it can, 1: it cannot, 2: it cannot be read.
      --state <file>             also says which events in this state file came without a meter of the catalog that names them`,
  outbox: `entitlement-sidecar outbox status|list|export [--dir <directory>]
entitlement-sidecar outbox show|retry <id...> [--dir <directory>]
entitlement-sidecar outbox drop <id...> --reason <text> [--dir <directory>]
    Looks into an outbox (else that of USAGE_OUTBOX_DIR), also while it is in use, and decides on the reports in it that were
    rejected or are stale. Exit code 0: done, 1: not all of it.`,
  shadow: `entitlement-sidecar shadow --incumbent <host:port> [options]
    Stands between callers and the service that they call now, answers with what that answers, asks another service the same off
    their path, and tells what the answers differ in, field by field. What differs is asked once more: an update reaches two services
    at two times. Reports and reloads go to the answering service alone. Exit code 0: all agree, 1: some differ, 2: error.
      --candidate <host:port>    the other; else where serve listens in the same environment. Both also as URLs
      --listen <host:port>       where callers call; else localhost:8090
      --inspect <host:port>      where a page shows the comparison while it goes on, to this machine alone
      --answer-from <incumbent|candidate>   whose answers callers get; else the incumbent's
      --for <time>, --checks <n> until when: 10m, or so many answers; else until a signal
      --settle <time>            how long after a difference both are asked again; else 2s
      --json                     the report as one JSON object
      --ca <file>, --insecure    as for check`,
  replay: `entitlement-sidecar replay <decision log> [options]
    Asks a running service what a decision log says was asked (- reads standard input), and tells which answers are others now.
    Exit code 0: none, 1: some, 2: error.
      --address <host:port>      whom to ask, or a URL; else where serve listens in the same environment
      --usage                    usage that has moved since is a difference too
      --json                     the report as one JSON object
      --ca <file>, --insecure    as for check`,
  drill: `entitlement-sidecar drill upstream|redis|stream [options]
entitlement-sidecar drill stop|report [options]
    Has upstream, Redis or the update stream fail for a share of the checks that a running service answers, and tells what their callers
    saw; the other checks notice nothing. The service needs DRILLS_ENABLED=true, and the drill OPS_TOKEN. It stops by itself; a signal
    stops it earlier. Exit code 0: it went its time, 1: answers passed a bound, 2: error.
      --for <time>               how long: 90s, 10m; else 1m, at most 1h
      --share <share>            of all checks: 1%, 0.01; else 1%, at most 50%
      --max-wrong <n>, --max-assumed <n>   the drill stops beyond so many wrong answers (else 10), or made up for want of data (else 100)
      --fault <json>             what requests suffer, once or more, as the emulator takes it: '{"target":"edge","kind":"status","status":503}';
                                 else all connections are reset. For redis of its kind only hang counts
${OPS_OPTIONS}`,
  completion: `entitlement-sidecar completion <bash|zsh|fish>
    Prints what completes commands and options in that shell: source <(entitlement-sidecar completion bash)`,
  emulate: `entitlement-sidecar emulate --catalog <file> [options]
    Serves the vendor's API over a catalog, for tests of any of its clients without an account. Runs until a signal.
      --port <n>                 where to listen, 0: any free port; else ${EMULATOR_PORT}
      --host <address>           else ${EMULATOR_HOST}
      --api-key <key>            the only key that is valid; else any is
      --control                  also switches on faults, takes another catalog and tells counts, over HTTP under /emulator
      --queue-url <url>          also sends every change to this SQS queue, for the persistent-cache service; the region
                                 and the credentials are AWS's own (AWS_REGION, AWS_ENDPOINT_URL_SQS for a local server)`,
  conformance: `entitlement-sidecar conformance <host:port> --control <emulator> [options]
    Puts the contract, case by case, to any implementation whose upstream is an emulator that was started with --control, and
    prints a table. Exit code 0: it conforms, 1: a case fails, 2: it could not be asked.
      --protocols <grpc,json>    what it is asked by; else both
      --only <text>              the cases that have this in "area: title"
      --patience <ms>            how long a change may take to arrive; else ${CONFORMANCE_PATIENCE_MS}
      --without-fallbacks        skips what it would have to be configured for; --print-fallbacks says with what
      --junit <file>, --json <file>   the results for programs
      --list                     prints the cases, and asks nothing`,
} as const;

export type CommandName = keyof typeof COMMAND_HELP;

export function isCommand(name: string): name is CommandName {
  return Object.hasOwn(COMMAND_HELP, name);
}

export const HELP = `Answers, beside your application: may this customer use this feature, and how much is left?

${Object.values(COMMAND_HELP).join("\n\n")}

entitlement-sidecar help [<command>|configuration|metrics]
entitlement-sidecar --version`;
