/** @typedef {{lower: number, median: number, upper: number}} Quartiles */
/** @typedef {{what: string, unit: string, lmdb?: Quartiles, postgres: Quartiles, isNoisy?: boolean}} Figure */
/** @typedef {{node: string, cpu: string, loadAverage: number, figures: Figure[]}} Results */

const WRITES = ["create", "export", "revoke"].flatMap((kind) => [`${kind}, 1 caller`, `${kind}, 32 callers`]);
const BUSY = "Other programs had most of the processors, so that only bytes are shown.";
/** The bench itself makes it about this high on two cores. */
const QUIET_LOAD_AVERAGE = 6;
const NODES = ["1 node", "2 nodes", "4 nodes"];

/**
 * Formats the tables of the scaling page from the last recorded run of `npm run bench:postgres`: only bytes, if the machine was busy.
 * A tilde marks a figure that was disturbed.
 *
 * @param {Results} results
 */
export function scalingTables({ node, cpu, loadAverage, figures }) {
  /** @param {string} what */
  const find = (what) => figures.find((figure) => figure.what === what);
  /** @param {string} what */
  const postgres = (what) => format(find(what), find(what)?.postgres);
  /** @param {string} what */
  const lmdb = (what) => format(find(what), find(what)?.lmdb);
  /** @param {string} what */
  const both = (what) => `| ${what} | ${lmdb(what)} | ${postgres(what)} |`;
  const isBusy = loadAverage > QUIET_LOAD_AVERAGE;
  const times = [
    "On two cores several nodes do no more than one: read the processor time of a call. With cores for the nodes, they do as many times",
    "more as they are, until the server's cores are used up by its part.",
    "",
    "| what | over LMDB | over PostgreSQL |",
    "|---|---|---|",
    both("warm invocation: CPU of the node"),
    both("warm invocation, 100 a second: p50"),
    both("cold invocation, 100 a second: p50"),
    both("cold invocation, 100 a second: CPU of the node"),
    both("cold invocation, 100 a second: CPU of the server"),
    both("idle node: CPU of the node"),
    both("idle node: CPU of the server"),
    "",
    "| writes of one tenant | over LMDB, a second | over PostgreSQL, a second | p50 | p99 | CPU of the node | CPU of the server |",
    "|---|---|---|---|---|---|---|",
    ...WRITES.map((name) => {
      const cells = ["p50", "p99", "CPU of the node", "CPU of the server"].map((of) =>
        postgres(`${name}: ${of}`),
      );
      return `| ${[name, lmdb(`${name}: throughput`), postgres(`${name}: throughput`), ...cells].join(" | ")} |`;
    }),
    "",
    "| a revoke, one after the other | p50 | p99 |",
    "|---|---|---|",
    ...["revoke, 1 node", "revoke, 3 nodes", "revoke, 10 nodes"].map(
      (name) => `| ${name} | ${postgres(`${name}: p50`)} | ${postgres(`${name}: p99`)} |`,
    ),
    `| right after one of 3 nodes was killed | ${postgres("revoke right after one of 3 nodes was killed")} | |`,
    "",
    "| 32 connections in all | warm invocations | CPU of the nodes | CPU of the server | creates | CPU of the nodes | CPU of the server |",
    "|---|---|---|---|---|---|---|",
    ...NODES.map((nodes) => {
      const cells = ["warm invocations", "creates"].flatMap((kind) =>
        ["throughput", "CPU of the nodes", "CPU of the server"].map((of) =>
          postgres(`${kind}, ${nodes}: ${of}`),
        ),
      );
      return `| ${[nodes, ...cells].join(" | ")} |`;
    }),
    "",
  ];
  return [
    `Recorded with Node.js ${node} on ${cpu}, two cores that the nodes, the database, the load and the target share; load average at the`,
    `end ${loadAverage.toFixed(1)}. ${isBusy ? BUSY : "A number after ~ is one that other programs on the machine disturbed."}`,
    "",
    ...(isBusy ? [] : times),
    "| on disk, after `VACUUM` | tables | indexes | write-ahead log (WAL), 1 caller | 32 callers |",
    "|---|---|---|---|---|",
    ...[
      ["an exported capability", "export"],
      ["a membrane with its two capabilities", "create"],
    ].map(([name, kind]) => {
      const cells = [": table", ": indexes", ", 1 caller: WAL", ", 32 callers: WAL"].map((of) =>
        postgres(`${kind}${of}`),
      );
      return `| ${[name, ...cells].join(" | ")} |`;
    }),
  ].join("\n");
}

/**
 * @param {Figure | undefined} figure
 * @param {Quartiles | undefined} value
 */
function format(figure, value) {
  if (figure === undefined || value === undefined) return "–";
  const { median } = value;
  const digits = median >= 100 ? 0 : median >= 10 ? 1 : 2;
  return `${figure.isNoisy === true ? "~" : ""}${median.toFixed(digits)} ${figure.unit}`;
}
