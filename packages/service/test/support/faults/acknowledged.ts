import type { Client } from "./client.ts";
import { createClient } from "./client.ts";
import type { Cluster } from "./cluster.ts";
import type { ServingNode } from "./cluster-node.ts";
import { askAtTheEnd } from "./final-questions.ts";
import type { History } from "./history.ts";
import { createRecorder } from "./recorder.ts";
import type { Round } from "./round.ts";

/** Asks every node once more for everything that was acknowledged in all rounds, and returns that as one history. */
export async function askForAllRounds(
  cluster: Pick<Cluster, "tokens"> & { readonly nodes: readonly ServingNode[] },
  rounds: readonly Pick<Round, "history" | "lives">[],
): Promise<History> {
  const recorder = createRecorder();
  for (const { history } of rounds) {
    for (const operation of history.operations)
      if (isAcknowledgedWrite(operation)) recorder.record(operation);
  }
  await using client: Client = createClient(recorder);
  const context = { nodes: cluster.nodes, client, queryToken: cluster.tokens.query };
  await askAtTheEnd(
    context,
    recorder,
    rounds.flatMap(({ lives }) => lives),
  );
  const nodes = cluster.nodes.map(({ number }) => number);
  return { ...recorder.history(nodes), lost: rounds.flatMap(({ history }) => history.lost) };
}

function isAcknowledgedWrite({ kind, outcome }: History["operations"][number]): boolean {
  return outcome === "done" && (kind === "create" || kind === "export" || kind === "revoke");
}
