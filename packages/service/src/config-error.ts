/** A flag that does not say what it should. The message names it and what was expected. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly code = "config";
}
