export const HELP = `persistent-cache-service
    Keeps a shared Redis up to date with what a queue (AWS SQS) tells of changes. Runs until a signal.
    It is configured by environment variables alone; "help configuration" lists them.
    Health and metrics over HTTP on PORT: /livez, /readyz, /metrics.

persistent-cache-service help [configuration]
persistent-cache-service --version`;
