/** How a command ends: 0; 1 if it failed, or found a mistake in the configuration; 2 if something that leaked is alive. */
export type ExitCode = 0 | 1 | 2;
