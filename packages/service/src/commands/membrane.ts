import type { Command } from "../command.ts";
import { ConfigError } from "../config-error.ts";
import type { Uid } from "../domain/uid.ts";
import type { StoredMembrane } from "../store/record.ts";
import type { Store } from "../store/store.ts";
import { formatName, quoteName } from "./escape.ts";
import type { OperatorProcess } from "./operator.ts";
import { asOperator, findTenant, withStore } from "./operator.ts";
import { printJson } from "./print.ts";

type MembraneCommand = Extract<Command, { name: `membrane ${string}` }>;

/** How many membranes are read from the store at once. */
const PAGE = 1_000;

/** The operator's commands on membranes: they need no capability. */
export async function membrane(command: MembraneCommand, { print, log }: OperatorProcess): Promise<void> {
  await withStore(
    command.config,
    async (data) => {
      const { store } = data;
      const tenant = await findTenant(store, "--tenant", command.tenant);
      if (command.name === "membrane list") {
        const names: string[] = [];
        for await (const { name } of membranesOf(store, tenant.uid)) names.push(name);
        if (command.json) printJson(print, { membranes: names.map((id) => ({ id })) });
        else names.map(formatName).forEach(print);
        return;
      }
      const { id } = command;
      const [found] = (await store.membranes(tenant.uid, { id, limit: 1 })).membranes;
      if (found === undefined) {
        throw new ConfigError(
          `--id: the tenant has no membrane ${quoteName(id)} that is alive; "membrane membrane list" shows them`,
        );
      }
      const { changes, actor } = asOperator(data, command.name, log.changed);
      await changes.revoke(actor, { tenant: tenant.uid, membrane: found.uid });
      if (command.json) printJson(print, { tenant: command.tenant, id, revoked: true });
      else print(`Revoked the membrane ${quoteName(id)} and all that went through it.`);
    },
    { command: command.name, log },
  );
}

/** A tenant's membranes that are alive, also those whose tokens are sealed to a lost key. */
async function* membranesOf(store: Store, tenant: Uid): AsyncIterable<StoredMembrane> {
  let lastId: string | undefined;
  for (;;) {
    const page = await store.membranes(tenant, { limit: PAGE, ...(lastId === undefined ? {} : { lastId }) });
    yield* page.membranes;
    lastId = page.membranes.at(-1)?.name;
    if (page.completed || lastId === undefined) return;
  }
}
