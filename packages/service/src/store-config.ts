import { ConfigError } from "./config-error.ts";
import { toKebabCase } from "./flag-names.ts";
import type { ServiceLimits } from "./service-limits.ts";
import type { LeaseTimes } from "./store/lease/lease-times.ts";
import { DEFAULT_LEASE_TIMES, parseLeaseTimes } from "./store/lease/lease-times.ts";
import type { ConnectionSettings, UrlSource } from "./store/postgres/config/connection-settings.ts";
import { parseConnectionSettings } from "./store/postgres/config/connection-settings.ts";

/** A store in a database of PostgreSQL, which many nodes can share. */
export interface PostgresConfig {
  readonly settings: ConnectionSettings;
  readonly leaseTimes: LeaseTimes;
}

/** Where the value of a flag such as `--store` was given, and the variables that complete it. */
export interface StoreOrigin {
  readonly source: UrlSource;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/**
 * Reads `--store`.
 *
 * @returns nothing for LMDB.
 * @throws ConfigError without any part of the value, which may hold a password.
 */
export function readStore(
  text: string,
  origin: StoreOrigin,
  limits: ServiceLimits,
): PostgresConfig | undefined {
  if (text === "lmdb") return undefined;
  const settings = readDatabase("--store", text, origin);
  if (settings === undefined) {
    throw new ConfigError(
      "--store: expected lmdb or postgres://…, as in postgres://membrane@db.example/membrane",
    );
  }
  return postgresConfig(settings, limits);
}

/** @throws ConfigError if a revoke could be acknowledged while a node still serves on an older lease. */
export function postgresConfig(settings: ConnectionSettings, limits: ServiceLimits): PostgresConfig {
  return { settings, leaseTimes: readLeaseTimes(limits) };
}

/**
 * Reads the value of a flag that names a database.
 *
 * @returns nothing if it names none.
 * @throws ConfigError without any part of the value, which may hold a password.
 */
export function readDatabase(
  flag: string,
  text: string,
  { source, environment }: StoreOrigin,
): ConnectionSettings | undefined {
  if (!/^postgres(?:ql)?:\/\//.test(text)) return undefined;
  const settings = parseConnectionSettings(text, source, environment);
  if (!settings.ok) throw new ConfigError(`${flag}: ${settings.error}`);
  return settings.value;
}

/** @throws ConfigError if a revoke could be acknowledged while a node still serves on an older lease. */
function readLeaseTimes(limits: LeaseTimes): LeaseTimes {
  const times = parseLeaseTimes({
    leaseMs: limits.leaseMs,
    leaseMarginMs: limits.leaseMarginMs,
    leaseRenewalIntervalMs: limits.leaseRenewalIntervalMs,
    leaseReplyTimeoutMs: limits.leaseReplyTimeoutMs,
    leaseConnectTimeoutMs: limits.leaseConnectTimeoutMs,
    leaseRetryDelayMs: limits.leaseRetryDelayMs,
    leaseCleanupIntervalMs: limits.leaseCleanupIntervalMs,
  });
  if (times.ok) return times.value;
  const { field, expected } = times.error;
  throw new ConfigError(`${flagOf(field)}: expected ${nameFlags(expected)}`);
}

/** The flags of the times that a message names. */
function nameFlags(text: string): string {
  return Object.keys(DEFAULT_LEASE_TIMES).reduce(
    (named, field) => named.replaceAll(new RegExp(`\\b${field}\\b`, "g"), flagOf(field)),
    text,
  );
}

function flagOf(field: string): string {
  return `--${toKebabCase(field)}`;
}
