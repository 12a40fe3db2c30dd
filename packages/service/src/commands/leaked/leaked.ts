import type { Command } from "../../command.ts";
import type { StoredMembrane } from "../../store/record.ts";
import type { Store } from "../../store/store.ts";
import type { ExitCode } from "../exit-code.ts";
import type { OperatorProcess } from "../operator.ts";
import { asOperator, withStore } from "../operator.ts";
import { printJson } from "../print.ts";
import type { Leak, Leaks } from "./leaks.ts";
import { collectLeaks, isEnded } from "./leaks.ts";
import type { Remedy } from "./report.ts";
import { leaksAsJson, printIncurable, printLeaks, printRemedy } from "./report.ts";

/** What the command needs of its process. */
export interface LeakedProcess extends OperatorProcess {
  /** The text. */
  readonly input: () => AsyncIterable<Uint8Array>;
  /** Asks a person; absent where there is no terminal. */
  readonly confirm?: ((question: string) => Promise<boolean>) | undefined;
}

/**
 * Finds capabilities in a text, says which are alive, and revokes the membranes that end them if the operator wants that.
 *
 * @returns 2 if any is still alive.
 */
export async function leaked(
  { config, json, revoke }: Extract<Command, { name: "leaked" }>,
  { print, log, input, confirm }: LeakedProcess,
): Promise<ExitCode> {
  return withStore(
    config,
    async (data) => {
      const { store } = data;
      const leaks = await collectLeaks(data, input());
      if (!json) printLeaks(print, leaks);
      const { changes, actor } = asOperator(data, "leaked", log.changed);
      const remedies: (Remedy & { readonly revoked: boolean })[] = [];
      for (const [membrane, ended] of byMembrane(leaks)) {
        // An earlier revoke may have ended it too.
        if (!(await store.isAlive(membrane.uid))) continue;
        const [leak] = ended;
        const descendants = await store.descendants(membrane.uid);
        const remedy = { membrane, tenant: leak?.tenant ?? "", leaks: ended, descendants };
        if (!json) printRemedy(print, remedy);
        const revoked = revoke ?? (!json && (await confirm?.("Revoke it?"))) ?? false;
        if (revoked) {
          await changes.revoke(actor, { tenant: membrane.tenant, membrane: membrane.uid });
          if (!json) print("Revoked.");
        }
        remedies.push({ ...remedy, revoked });
      }
      if (json) printJson(print, leaksAsJson(leaks, remedies));
      else printIncurable(print, leaks.listed);
      return (await areEnded(store, leaks)) ? 0 : 2;
    },
    { command: "leaked", log },
  );
}

/** The membranes that end what is alive, in the order of the text. */
function byMembrane({ listed }: Leaks): Iterable<[StoredMembrane, readonly Readonly<Leak>[]]> {
  const groups = new Map<string, [StoredMembrane, Readonly<Leak>[]]>();
  for (const leak of listed) {
    const { membrane, state } = leak;
    if (membrane === undefined || state !== "alive") continue;
    const group = groups.get(membrane.uid);
    if (group === undefined) groups.set(membrane.uid, [membrane, [leak]]);
    else group[1].push(leak);
  }
  return groups.values();
}

async function areEnded(
  store: Pick<Store, "isAlive">,
  { listed, unlistedAlive, unreadable }: Leaks,
): Promise<boolean> {
  if (unlistedAlive + unreadable > 0) return false;
  for (const leak of listed) if (leak.state === "alive" && !(await isEnded(store, leak))) return false;
  return true;
}
