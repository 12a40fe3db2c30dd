import { resolveTenantCapability, callService } from "../../capability/resolved-capability.ts";
import { profileOption } from "../../capability/named-profile.ts";
import { TENANT_RIGHTS } from "../../capability/tenant-capabilities.ts";
import type { CapiMembraneCommand } from "../../command-line/command.ts";
import { formatExport, formatJson, formatMembrane, formatQuery } from "../../output.ts";
import { isPrintable, shellWord } from "../../shell.ts";
import { printHint } from "../../terminal.ts";
import type { Io } from "../../io.ts";
import { resolveMembraneCapability, withId } from "./resolve-membrane.ts";

/** `capi membrane …`: one request to a service, its answer on standard output. */
export async function membrane(command: CapiMembraneCommand, io: Io): Promise<void> {
  switch (command.name) {
    case "membrane create":
      return create(command, io);
    case "membrane export":
      return exportCapability(command, io);
    case "membrane query":
      return query(command, io);
    case "membrane revoke":
      return revoke(command, io);
    case "membrane delete-self":
      return deleteSelf(command, io);
  }
}

type CommandNamed<Name extends CapiMembraneCommand["name"]> = Extract<CapiMembraneCommand, { name: Name }>;

async function create(command: CommandNamed<"membrane create">, io: Io): Promise<void> {
  const { capability: explicit, trust, id, output } = command;
  const resolved = withId(await resolveTenantCapability(explicit, TENANT_RIGHTS.create, trust, io), id);
  const response = await callService(resolved, (membrane, capability) => membrane.create(capability, { id }));
  io.stdout.write(formatMembrane(response, output));
  const which = explicit === undefined && isPrintable(id) ? `--id ${shellWord(id)}` : "--capability @FILE";
  printHint(io, `Next: capi membrane export ${which}${profileOption(trust.profile)} --uri https://…`);
}

async function exportCapability(command: CommandNamed<"membrane export">, io: Io): Promise<void> {
  const { membraneRef, trust, body, output } = command;
  const resolved = await resolveMembraneCapability(membraneRef, "export", trust, io);
  const response = await callService(resolved, (membrane, capability) => membrane.export(capability, body));
  io.stdout.write(formatExport(response, output));
  printHint(
    io,
    "Next: capi request @FILE invokes it. To pass it on and be able to take it back: capi membrane export --capability-to-export @FILE",
  );
}

async function query(command: CommandNamed<"membrane query">, io: Io): Promise<void> {
  const { capability: explicit, trust, query, output } = command;
  const resolved = withId(await resolveTenantCapability(explicit, TENANT_RIGHTS.query, trust, io), query.id);
  const response = await callService(resolved, (membrane, capability) => membrane.query(capability, query));
  io.stdout.write(formatQuery(response, output));
  const last = response.membranes.at(-1)?.id;
  if (response.completed || last === undefined || !isPrintable(last)) return;
  printHint(io, `There are more: add --last-id ${shellWord(last)} to go on, --limit N for more at once`);
}

async function revoke({ membraneRef, trust }: CommandNamed<"membrane revoke">, io: Io): Promise<void> {
  const resolved = await resolveMembraneCapability(membraneRef, "revoke", trust, io);
  io.stdout.write(
    formatJson(await callService(resolved, (membrane, capability) => membrane.revoke(capability))),
  );
}

async function deleteSelf(
  { capability: explicit, trust }: CommandNamed<"membrane delete-self">,
  io: Io,
): Promise<void> {
  const resolved = await resolveTenantCapability(explicit, TENANT_RIGHTS.deleteSelf, trust, io);
  io.stdout.write(
    formatJson(await callService(resolved, (membrane, capability) => membrane.deleteSelf(capability))),
  );
}
