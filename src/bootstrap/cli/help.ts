export const HELP = `Answers, beside your application: may this customer use this feature, and how much is left?

entitlement-sidecar [serve]
    Runs the service. It is configured by environment variables alone; "help configuration" lists them.

entitlement-sidecar check <customer> <feature> [options]
    Asks a running service, and answers in one line. Exit code 0: granted, 1: denied, 2: error.
      --requested-usage <n>      what is about to be used
      --requested-values <a,b>   values that all have to be allowed
      --resource <id>            one of the customer's resources
      --credits                  the second argument is the id of a credit currency
      --address <host:port>      where to ask, or a URL; else localhost and GRPC_PORT, else localhost:50051
      --timeout <ms>             how long to wait for the answer; else 5000
      --json                     the whole answer

entitlement-sidecar validate <catalog file>
    Says whether a catalog can be served, and if not, why. Exit code 0: it can, 1: it cannot.

entitlement-sidecar emulate --catalog <file> [options]
    Serves the vendor's API over a catalog, for tests of any of its clients without an account. Runs until a signal.
      --port <n>                 where to listen, 0: any free port; else 4010
      --host <address>           else 127.0.0.1
      --api-key <key>            the only key that is valid; else any is
      --control                  also switches on faults and tells counts, over HTTP under /emulator
      --queue-url <url>          also sends every change to this SQS queue, for the persistent-cache service; the region
                                 and the credentials are AWS's own (AWS_REGION, AWS_ENDPOINT_URL_SQS for a local server)

entitlement-sidecar help [configuration]
entitlement-sidecar --version`;
