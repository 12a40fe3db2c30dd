import { holdTenant, use } from "../../capability/held-capability.ts";
import { profileOption } from "../../capability/named-profile.ts";
import { TENANT_RIGHTS } from "../../capability/tenant-capabilities.ts";
import type { MembraneCommand } from "../../command-line/command.ts";
import { formatExport, formatJson, formatMembrane, formatQuery } from "../../output.ts";
import { isPlain, shellWord } from "../../shell.ts";
import { hint } from "../../terminal.ts";
import type { World } from "../../world.ts";
import { holdThrough, withId } from "./through.ts";

/** `capi membrane …`: one request to a service, its answer on standard output. */
export async function membrane(command: MembraneCommand, world: World): Promise<void> {
  switch (command.name) {
    case "membrane create":
      return create(command, world);
    case "membrane export":
      return exportThrough(command, world);
    case "membrane query":
      return query(command, world);
    case "membrane revoke":
      return revoke(command, world);
    case "membrane delete-self":
      return deleteSelf(command, world);
  }
}

type Named<Name extends MembraneCommand["name"]> = Extract<MembraneCommand, { name: Name }>;

async function create(command: Named<"membrane create">, world: World): Promise<void> {
  const { capability: given, trust, id, output } = command;
  const held = withId(await holdTenant(given, TENANT_RIGHTS.create, trust, world), id);
  const answer = await use(held, (membrane, capability) => membrane.create(capability, { id }));
  world.stdout.write(formatMembrane(answer, output));
  const which = given === undefined && isPlain(id) ? `--id ${shellWord(id)}` : "--capability @FILE";
  hint(world, `Next: capi membrane export ${which}${profileOption(trust.profile)} --uri https://…`);
}

async function exportThrough(command: Named<"membrane export">, world: World): Promise<void> {
  const { through, trust, body, output } = command;
  const held = await holdThrough(through, "export", trust, world);
  const answer = await use(held, (membrane, capability) => membrane.export(capability, body));
  world.stdout.write(formatExport(answer, output));
  hint(
    world,
    "Next: capi request @FILE invokes it. To pass it on and be able to take it back: capi membrane export --capability-to-export @FILE",
  );
}

async function query(command: Named<"membrane query">, world: World): Promise<void> {
  const { capability: given, trust, query, output } = command;
  const held = withId(await holdTenant(given, TENANT_RIGHTS.query, trust, world), query.id);
  const answer = await use(held, (membrane, capability) => membrane.query(capability, query));
  world.stdout.write(formatQuery(answer, output));
  const last = answer.membranes.at(-1)?.id;
  if (answer.completed || last === undefined || !isPlain(last)) return;
  hint(world, `There are more: add --last-id ${shellWord(last)} to go on, --limit N for more at once`);
}

async function revoke({ through, trust }: Named<"membrane revoke">, world: World): Promise<void> {
  const held = await holdThrough(through, "revoke", trust, world);
  world.stdout.write(formatJson(await use(held, (membrane, capability) => membrane.revoke(capability))));
}

async function deleteSelf(
  { capability: given, trust }: Named<"membrane delete-self">,
  world: World,
): Promise<void> {
  const held = await holdTenant(given, TENANT_RIGHTS.deleteSelf, trust, world);
  world.stdout.write(formatJson(await use(held, (membrane, capability) => membrane.deleteSelf(capability))));
}
