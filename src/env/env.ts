// The world as one argument: everything that is not a function of its inputs comes in through here.

export { agentIn, agentOf } from './agent'
export { harmful, PLAIN, pattern, safe, safeLines } from './safe'

export type Vars = Readonly<Record<string, string | undefined>>

export interface Command {
  program: string
  args: readonly string[]
  cwd?: string
  /** The whole environment of the child. Absent: that of `Env.vars`. */
  vars?: Vars
  input?: string | Uint8Array
  /** Milliseconds after which the child, and what it started, is ended. */
  limit?: number
  /**
   * For `start`: milliseconds from the polite end (SIGTERM) to the hard one (SIGKILL). With it, what the program leaves
   * behind in its process group is ended too; without it the limit kills at once, and what is left behind goes on.
   */
  grace?: number
  /** For `start`: bytes of each stream that are kept, the first half and the last half; `Finished.dropped` counts the rest. */
  keep?: number
  /** Bytes of output after which the program is ended and `failure` is ENOBUFS. */
  maxOutput?: number
}

export interface Finished {
  /** Exit status; null when a signal ended it. */
  status: number | null
  signal: string | null
  stdout: Buffer
  stderr: string
  /** True when `limit` ended it. */
  timedOut: boolean
  /** With `keep`: bytes of stdout that are missing in its middle, after the first `keep / 2`. */
  dropped?: number
  /** Set when the program could not be started at all (ENOENT, EACCES …). */
  failure?: NodeJS.ErrnoException
}

export interface FileStat {
  kind: 'file' | 'folder' | 'link' | 'other'
  size: number
  mtimeMs: number
  inode: number
  /** When the file came to be, in milliseconds; a copy has another one. */
  birthMs: number
  mode: number
}

/** Files outside git's object store. Reads give null when nothing is there; everything else throws the errno. */
export interface Files {
  read(path: string): Buffer | null
  /** Replaces the file as a whole: temporary file beside it, then rename. Makes the folder. */
  write(path: string, bytes: string | Uint8Array, options?: { mode?: number; sync?: boolean }): void
  /** The same for a file that tells which file it is: the text is made from the new file's own inode and birth. */
  writeMarked(path: string, text: (self: { inode: number; birthMs: number }) => string): void
  /** Sets the time of the last change, in milliseconds; nothing happens where nothing is. */
  touch(path: string, mtimeMs: number): void
  append(path: string, bytes: string | Uint8Array): void
  /** Puts a claim (one short line) at the path in one step, only if nothing is there; false when something is. */
  claim(path: string, holder: string): boolean
  /** What the claim at the path says; null when there is none. */
  claimed(path: string): string | null
  remove(path: string): void
  list(folder: string): string[]
  /** Does not follow a link unless asked to. */
  stat(path: string, follow?: 'follow'): FileStat | null
  makeFolder(path: string): void
  /** Forces the entries of these folders to the disk. Folders that are gone are passed over. */
  syncFolders(paths: Iterable<string>): void
  realPath(path: string): string
  /** Opens a file for reading parts of it (an index of many megabytes); null when nothing is there. */
  open(path: string): Slices | null
}

/** A file that is read in parts. */
export interface Slices {
  readonly size: number
  /** Exactly `length` bytes at `offset`; throws IO when the file is shorter. */
  read(offset: number, length: number): Buffer
  close(): void
}

export interface Output {
  /** True when the command was asked for `--json`. */
  json: boolean
  /** Data: stdout. */
  data(text: string): void
  /** Talk: stderr. */
  say(text: string): void
  /** A line on a terminal for work that takes over a second; silent in a pipe. Call the result to end it. */
  progress(label: string): (label?: string) => void
  /** Columns of the terminal, null when stdout is none. */
  columns: number | null
  colour: boolean
}

export interface Env {
  readonly cwd: string
  readonly vars: Vars
  readonly host: string
  readonly out: Output
  readonly files: Files
  now(): Date
  /** Milliseconds on a clock that never goes back and that all processes share until the machine restarts. May stand still while it sleeps. */
  monotonic(): number
  /** Milliseconds since the machine started, sleep included. Coarser than `monotonic` (10 ms to 1 s). */
  uptime(): number
  /** Which start of the machine this is: times of `monotonic` and `uptime` compare only within one. */
  boot(): string
  /** 10 characters of Crockford base32 (50 random bits). */
  newId(): string
  /** 0 ≤ n < 1; for jitter. */
  random(): number
  /** Blocks for so many milliseconds: the wait between two tries of a contended write. */
  pause(ms: number): void
  /** Runs a short local program to its end. */
  run(command: Command): Finished
  /** Runs a program that may take long (network); ends its whole process group at the limit. */
  start(command: Command): Promise<Finished>
  /** All of standard input, or empty when it is a terminal. */
  stdin(): Buffer
  /** Asks a yes-or-no question; null when there is nobody to ask (no terminal, CI, an agent). */
  confirm(question: string): Promise<boolean | null>
}
