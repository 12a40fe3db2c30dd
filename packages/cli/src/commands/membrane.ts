import type { Access, MembraneCommand } from "../command.ts";
import { Failure } from "../failure.ts";
import type { Held } from "../membrane-for.ts";
import { holdGiven, holdTenant, use } from "../membrane-for.ts";
import { formatExport, formatJson, formatMembrane, formatQuery } from "../output.ts";
import { shellWord } from "../shell.ts";
import { hint } from "../terminal.ts";
import type { World } from "../world.ts";

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

async function create({ access, id, output }: Named<"membrane create">, world: World): Promise<void> {
  const held = withId(await holdTenant(access, "create", world), id);
  const answer = await use(held, (membrane, capability) => membrane.create(capability, { id }));
  world.stdout.write(formatMembrane(answer, output));
  const which =
    access.capability === undefined && isPlain(id) ? `--id ${shellWord(id)}` : "--capability @FILE";
  hint(world, `Next: capi membrane export ${which}${profileOption(access)} --uri https://…`);
}

async function exportThrough(command: Named<"membrane export">, world: World): Promise<void> {
  const { access, id, body, output } = command;
  const held = await holdMembrane(access, id, "export", world);
  const answer = await use(held, (membrane, capability) => membrane.export(capability, body));
  world.stdout.write(formatExport(answer, output));
  hint(
    world,
    "Next: capi request @FILE invokes it. To pass it on and be able to take it back: capi membrane export --capability-to-export @FILE",
  );
}

async function query({ access, query, output }: Named<"membrane query">, world: World): Promise<void> {
  const { id } = query;
  const found = await holdTenant(access, "query", world);
  const held = id === undefined ? found : withId(found, id);
  const answer = await use(held, (membrane, capability) => membrane.query(capability, query));
  world.stdout.write(formatQuery(answer, output));
  const last = answer.membranes.at(-1)?.id;
  if (answer.completed || last === undefined || !isPlain(last)) return;
  hint(world, `There are more: add --last-id ${shellWord(last)} to go on, --limit N for more at once`);
}

async function revoke({ access, id }: Named<"membrane revoke">, world: World): Promise<void> {
  const held = await holdMembrane(access, id, "revoke", world);
  world.stdout.write(formatJson(await use(held, (membrane, capability) => membrane.revoke(capability))));
}

async function deleteSelf({ access }: Named<"membrane delete-self">, world: World): Promise<void> {
  const held = await holdTenant(access, "deleteSelf", world);
  world.stdout.write(formatJson(await use(held, (membrane, capability) => membrane.deleteSelf(capability))));
}

/** A membrane's own capability: the one that is given, or that of the membrane of this name. */
async function holdMembrane(
  access: Access,
  id: string | undefined,
  right: "export" | "revoke",
  world: World,
): Promise<Held> {
  if (id === undefined) return holdGiven(access.capability ?? "", access, right, world);
  const held = withId(await holdTenant(access, "query", world), id);
  const { membranes } = await use(held, (membrane, capability) => membrane.query(capability, { id }));
  const found = membranes.find((each) => each.id === id);
  if (found === undefined) throw noMembrane(id, access);
  return holdGiven(found.capabilities[right], access, right, world);
}

function noMembrane(id: string, access: Access): Failure {
  const profile = profileOption(access);
  return new Failure(
    `no membrane is named ${shellWord(id)}; it may have been revoked`,
    [
      `capi membrane query --limit 1000${profile}   lists those there are`,
      `capi membrane create --id ID${profile}       makes one`,
    ].join("\n"),
  );
}

function withId(held: Held, id: string): Held {
  return { ...held, place: { ...held.place, id } };
}

function profileOption({ profile }: Access): string {
  return profile === undefined ? "" : ` --profile ${shellWord(profile)}`;
}

/** Whether a name can stand in a line that a person may copy. */
function isPlain(id: string): boolean {
  return !/\p{C}/u.test(id);
}
