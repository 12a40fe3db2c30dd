import type { TargetBody } from "capability-sdk";
import { parseCapabilityUri } from "capability-protocol/uri";
import type { Io } from "../../../../io.ts";
import { shellWord } from "../../../../shell.ts";
import { CONTROL_CHARACTERS, sanitize } from "../../../../terminal.ts";
import { formatFilled } from "./format-filled.ts";
import type { ClientSetup } from "./preset.ts";
import type { UsedPreset } from "./used-preset.ts";

/** What a client needs to know of a new capability. */
export interface PresetResult {
  readonly capability: string;
  /** File of the service's private CA; nothing if the system's are trusted. */
  readonly caFile: string | undefined;
  /** Where that file comes from. */
  readonly caSource: string;
  readonly target: TargetBody;
}

/**
 * Says what the preset filled in, and, on a terminal, what to paste into the client. Only a terminal that shows the capability too
 * gets the token: one that was written to a file or a pipe stays off the screen.
 */
export function printPreset(used: UsedPreset, result: PresetResult, io: Pick<Io, "stdout" | "stderr">): void {
  io.stderr.write(`${formatFilled(used, result.target).map(sanitize).join("\n")}\n`);
  const terminal = [io.stderr, io.stdout].find(({ isTTY }) => isTTY === true);
  terminal?.write(formatSetups(used, result, io.stdout.isTTY === true).join("\n"));
}

function formatSetups(
  { preset, region }: UsedPreset,
  { capability, caFile, caSource, target }: PresetResult,
  isTokenShown: boolean,
): readonly string[] {
  const uri = parseCapabilityUri(capability);
  if (uri?.kind !== "authority") return [];
  const endpoint = { authority: uri.authority, token: isTokenShown ? uri.token : "TOKEN", region, target };
  const setups = [
    ...preset.clients(endpoint),
    ...(caFile === undefined ? [] : [toCaSetup(preset.caVariables, caFile, caSource)]),
  ];
  const where = isTokenShown ? [] : ["", "TOKEN is the part of the capability after #."];
  return [...where, ...setups.flatMap(formatSetup), ""];
}

function toCaSetup(variables: readonly string[], file: string, source: string): ClientSetup {
  return {
    place: `In the environment of the client too, with the file of the service's private CA (${source})`,
    lines: variables.map((name) => `export ${name}=${shellWord(file)}`),
  };
}

function formatSetup({ place, lines }: ClientSetup): readonly string[] {
  return ["", `${place}:`, "", ...lines.map((line) => line.replace(CONTROL_CHARACTERS, "?"))];
}
