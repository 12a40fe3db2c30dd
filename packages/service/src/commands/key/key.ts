import { randomBytes } from "node:crypto";
import { resolve } from "node:path";
import type { Command } from "../../command.ts";
import type { DataConfig } from "../../config.ts";
import { ConfigError } from "../../config-error.ts";
import { rowKeysOfStore } from "../../store/codec/format-row.ts";
import type { NamedKey } from "../../store/keys.ts";
import { createKeyring, keyId, MAX_KEYS_IN_USE } from "../../store/keys.ts";
import type { DropDenial, Rotated } from "../../store/rotation/rotate-keys.ts";
import { dropKey, rotateKey } from "../../store/rotation/rotate-keys.ts";
import {
  openKeySource,
  readServiceKeyFile,
  retireOlderKeys,
  ServiceKeyFileError,
} from "../../store/service-key-file.ts";
import { dataPaths } from "../data-directory.ts";
import type { AuditedCommand, OperatorProcess } from "../operator.ts";
import { assertStore, recordCommand, withStore } from "../operator.ts";
import type { Print } from "../print.ts";
import { printJson } from "../print.ts";
import { checkAuditFile } from "../process-audit.ts";
import type { NeededKeys } from "./key-places.ts";
import { readNeededKeys, withUnusedStore } from "./key-places.ts";
import { describeKeyFile, explainMarking, nameLines } from "./describe-key-file.ts";

type KeyCommand = Extract<Command, { name: `key ${string}` }>;

/** The operator's commands on the service key. Those that change the store need it to be served by no process. */
export async function key(command: KeyCommand, { print, log }: OperatorProcess): Promise<void> {
  const { config, json } = command;
  await assertStore(config);
  if (command.name === "key rotate" || command.name === "key drop") checkAuditFile(config);
  switch (command.name) {
    case "key status":
      return status(config, json, print);
    case "key retire": {
      const lines = await retire(config, { command: command.name, log });
      if (lines.length > 0) log.operatorChange({ command: command.name });
      if (json) printJson(print, { retiredLines: lines });
      else retirementReport(config, lines).forEach(print);
      return;
    }
    case "key rotate": {
      const rotated = await rotate(config);
      log.operatorChange({ command: command.name });
      await recordCommand(config, { command: command.name, log });
      if (json)
        printJson(print, {
          ...describeKey(rotated.key),
          rows: rotated.rows,
          damaged: rotated.damaged,
          unretiredLines: rotated.unretiredLines,
        });
      else rotationReport(config, rotated).forEach(print);
      return;
    }
    case "key drop": {
      const { keyVersion, forgets } = command;
      await drop(config, keyVersion, forgets);
      log.operatorChange({ command: command.name });
      await recordCommand(config, { command: command.name, log });
      if (json) printJson(print, { key: keyVersion, forgot: forgets });
      else dropReport(config, keyVersion, forgets).forEach(print);
      return;
    }
  }
}

async function status(config: DataConfig, json: boolean, print: Print): Promise<void> {
  const keys = createKeyring(await readServiceKeyFile(keyFile(config)));
  const { format, usage } = await readNeededKeys(config, keys);
  const needed = format.keys.map((named, at) => ({
    ...describeKey(named),
    inUse: at === 0,
    capabilities: usage.get(named.keyVersion) ?? 0,
  }));
  const inUse = rowKeysOfStore(keys, format);
  if (json) return printJson(print, { keys: needed, unretiredLines: inUse.unretiredLines });
  const warnings = describeKeyFile(keyFile(config), inUse).map((problem) => `Warning: ${problem}.`);
  [...statusReport({ format, usage }), ...warnings].forEach(print);
}

function statusReport({ format, usage }: NeededKeys): readonly string[] {
  const [current, ...older] = format.keys;
  if (current === undefined) return [];
  const lines = older.map((named) => {
    const count = usage.get(named.keyVersion) ?? 0;
    return `${nameOf(named)}: ${capabilities(count)} it, and "membrane key drop ${named.keyVersion} --forgets ${count}" forgets them.`;
  });
  return [
    `${nameOf(current)} is in use: ${capabilities(usage.get(current.keyVersion) ?? 0)} it.`,
    ...lines,
    ...(older.length === 0 ? [] : ["A capability needs an older key until it is presented."]),
  ];
}

/**
 * Finishes what a rotation could not, or was killed before.
 *
 * @returns the lines that it has marked.
 */
async function retire(config: DataConfig, audited: AuditedCommand): Promise<readonly number[]> {
  const file = keyFile(config);
  const retired = await withStore(config, ({ keys }) => retireOlderKeys(file, keys), audited);
  if (retired.ok) return retired.value;
  const { lines, cause } = retired.error;
  throw new ServiceKeyFileError(`${file}: cannot be written: ${explainMarking(file, lines)}`, { cause });
}

function retirementReport(config: DataConfig, lines: readonly number[]): readonly string[] {
  const file = keyFile(config);
  if (lines.length === 0)
    return [`No line of ${file} before that of the key in use is left to mark as retired.`];
  return [
    `Marked ${nameLines(lines)} of ${file} as retired: no store is opened any more whose rows are under such a key.`,
    ...copyAdvice(config),
  ];
}

/** Each node has a file for itself. */
function copyAdvice({ postgres }: DataConfig): readonly string[] {
  return postgres === undefined ? [] : ["Copy the file to every other node before it starts."];
}

async function rotate(config: DataConfig): Promise<Rotated> {
  const source = await openKeySource(keyFile(config));
  const rotated = await withUnusedStore(config, createKeyring(source.fileKeys), (store) =>
    rotateKey(store, source, randomBytes),
  );
  if (rotated.ok) return rotated.value;
  const { keyVersion } = rotated.error.oldest;
  throw new ConfigError(
    `key rotate: the store needs ${MAX_KEYS_IN_USE} keys already: drop one first, as with "membrane key drop ${keyVersion}"; "membrane key status" says what that forgets`,
  );
}

function rotationReport(
  config: DataConfig,
  { key: added, rows, damaged, unretiredLines: lines }: Rotated,
): readonly string[] {
  const file = keyFile(config);
  return [
    `${nameOf(added)} is in use now: it is the last line of ${file}, and ${rows.toLocaleString("en-US")} rows are under it.`,
    ...(damaged === 0
      ? []
      : [
          `${damaged.toLocaleString("en-US")} of them were not what was written. They are left as they are, and stay unusable.`,
        ]),
    lines.length === 0
      ? "The lines before it are marked as retired: no store is opened any more whose rows are under one of their keys."
      : `That file cannot be written here, and the rotation can be undone with a stolen key until it is: ${explainMarking(file, lines)}`,
    `Back that file up now, apart from the store: a backup that is made from now on needs the new key.`,
    ...copyAdvice(config),
    'Capabilities use the new key once they are presented. "membrane key status" counts those that need an older one.',
  ];
}

async function drop(config: DataConfig, keyVersion: number, forgets: number): Promise<void> {
  const keys = createKeyring(await readServiceKeyFile(keyFile(config)));
  const dropped = await withUnusedStore(config, keys, (store) => dropKey(store, keyVersion, forgets));
  if (!dropped.ok) throw new ConfigError(`key drop: ${explainDrop(dropped.error, keyVersion)}`);
}

function explainDrop(denial: DropDenial, keyVersion: number): string {
  switch (denial.reason) {
    case "unknown":
      return `the store needs no key ${keyVersion}; "membrane key status" shows those that it needs`;
    case "in_use":
      return `the key ${keyVersion} is in use: "membrane key rotate" replaces it first`;
    case "other_count":
      return `${capabilities(denial.forgets)} the key ${keyVersion}, and would be unusable: to forget them, repeat with --forgets ${denial.forgets}`;
  }
}

function dropReport(config: DataConfig, keyVersion: number, forgets: number): readonly string[] {
  return [
    `The store needs the key ${keyVersion} no more${forgets === 0 ? "" : `, and forgot ${forgets.toLocaleString("en-US")} capabilities`}.`,
    `Its line in ${keyFile(config)} is of use only for backups that were made before: remove it when there are none.`,
  ];
}

function keyFile(config: DataConfig): string {
  return resolve(dataPaths(config).serviceKey);
}

function describeKey(named: NamedKey): { readonly key: number; readonly id: string } {
  return { key: named.keyVersion, id: keyId(named) };
}

function nameOf(named: NamedKey): string {
  return `The service key ${named.keyVersion} (${keyId(named)})`;
}

function capabilities(count: number): string {
  return count === 1 ? "1 capability needs" : `${count} capabilities need`;
}
