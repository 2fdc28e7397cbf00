import { SETTINGS } from "../config/settings/settings.js";
import { CHECK_TIMEOUT_MS, EMULATOR_HOST, EMULATOR_PORT } from "./defaults.js";

export const HELP = `Answers, beside your application: may this customer use this feature, and how much is left?

entitlement-sidecar [serve]
    Runs the service. It is configured by environment variables alone; "help configuration" lists them.

entitlement-sidecar check <customer> <feature> [options]
    Asks a running service, and answers in one line. Exit code 0: granted, 1: denied, 2: error.
      --requested-usage <n>      what is about to be used
      --requested-values <a,b>   values that all have to be allowed
      --resource <id>            one of the customer's resources
      --credits                  the second argument is the id of a credit currency
      --address <host:port>      where to ask, or a URL; else where serve listens in the same environment:
                                 GRPC_PORT (else ${SETTINGS.grpcPort.defaultText}) of LISTEN_HOST (else localhost)
      --timeout <ms>             how long to wait for the answer; else ${CHECK_TIMEOUT_MS}
      --json                     the whole answer

entitlement-sidecar validate <catalog file>
    Says whether a catalog can be served, and if not, why. Exit code 0: it can, 1: it cannot.

entitlement-sidecar emulate --catalog <file> [options]
    Serves the vendor's API over a catalog, for tests of any of its clients without an account. Runs until a signal.
      --port <n>                 where to listen, 0: any free port; else ${EMULATOR_PORT}
      --host <address>           else ${EMULATOR_HOST}
      --api-key <key>            the only key that is valid; else any is
      --control                  also switches on faults and tells counts, over HTTP under /emulator
      --queue-url <url>          also sends every change to this SQS queue, for the persistent-cache service; the region
                                 and the credentials are AWS's own (AWS_REGION, AWS_ENDPOINT_URL_SQS for a local server)

entitlement-sidecar help [configuration]
entitlement-sidecar --version`;
