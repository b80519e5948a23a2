// The real world: node's files, clock and terminal, and the programs that others start.

import * as fs from 'node:fs'
import { dirname } from 'node:path'
import { bootId } from './boot'
import type { Env, FileStat, Files, Output, Slices, Vars } from './env'
import { runNow } from './programs'

/** What is replaced in tests; everything else is the real thing. */
export interface NodeEnvOptions {
  cwd?: string
  vars?: Vars
  out?: Output
  stdin?: () => Buffer
}

/**
 * The real environment. For reproducible runs `DSTACK_TEST_NOW` (ISO time) stops the clock and
 * `DSTACK_TEST_SEED` (a number) seeds ids and jitter.
 */
export function nodeEnv(options: NodeEnvOptions = {}): Env {
  const vars = options.vars ?? process.env
  const random = vars.DSTACK_TEST_SEED === undefined ? null : seeded(Number(vars.DSTACK_TEST_SEED))
  const byte = random === null ? null : () => Math.floor(random() * 256)
  return {
    cwd: options.cwd ?? process.cwd(),
    vars,
    get host() {
      return process.getBuiltinModule('node:os').hostname()
    },
    out: options.out ?? terminal(vars),
    files: nodeFiles,
    now: () => (vars.DSTACK_TEST_NOW === undefined ? new Date() : new Date(vars.DSTACK_TEST_NOW)),
    monotonic: () => Number(process.hrtime.bigint()) / 1e6, // performance.now() would begin at 0 in each process
    uptime: () => process.getBuiltinModule('node:os').uptime() * 1000,
    boot: bootId,
    newId: () =>
      base32(byte === null ? crypto.getRandomValues(new Uint8Array(7)) : Uint8Array.from({ length: 7 }, byte)),
    random: random ?? Math.random,
    pause: sleep,
    run: (command) => runNow(command, vars),
    start: async (command) => (await import('./long-programs')).runLong(command, vars),
    stdin: options.stdin ?? readStdin,
    confirm: (question) => confirm(question, vars),
  }
}

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'

/** The first 50 bits as 10 characters of Crockford base32, in lower case. */
function base32(bytes: Uint8Array): string {
  let bits = 0n
  for (const byte of bytes) bits = (bits << 8n) | BigInt(byte)
  let text = ''
  for (let i = 0; i < 10; i++, bits >>= 5n) text += ALPHABET[Number(bits & 31n)]
  return text
}

/** mulberry32: small, fast, good enough for tests. */
function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

function orNull<T>(read: () => T): T | null {
  try {
    return read()
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'ENOENT' || code === 'ENOTDIR') return null
    throw error
  }
}

/** Step by step, because node's own way says ENOENT where the file system is read-only. */
function makeFolders(folder: string): void {
  const make = () => {
    try {
      fs.mkdirSync(folder)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
  }
  try {
    make()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || dirname(folder) === folder) throw error
    makeFolders(dirname(folder))
    make()
  }
}

/** Temporary file beside it, then rename: readers see the old text or the new one. */
function replaceFile(
  path: string,
  bytes: (file: number) => string | Uint8Array,
  options: { mode?: number; sync?: boolean } = {},
): void {
  const temporary = `${path}.${crypto.randomUUID().slice(0, 8)}.tmp`
  const make = () => fs.openSync(temporary, 'wx', options.mode ?? 0o666)
  let file = orNull(make)
  if (file === null) {
    makeFolders(dirname(path))
    file = make()
  }
  try {
    if (options.mode !== undefined) fs.fchmodSync(file, options.mode) // exactly, whatever the umask
    fs.writeFileSync(file, bytes(file))
    if (options.sync) fs.fsyncSync(file)
    fs.closeSync(file)
    fs.renameSync(temporary, path)
  } catch (error) {
    fs.rmSync(temporary, { force: true })
    throw error
  }
}

const nodeFiles: Files = {
  read: (path) => orNull(() => fs.readFileSync(path)),
  write: (path, bytes, options = {}) => replaceFile(path, () => bytes, options),
  writeMarked: (path, text) =>
    replaceFile(path, (file) => {
      const stat = fs.fstatSync(file)
      return text({ inode: stat.ino, birthMs: stat.birthtimeMs })
    }),
  touch: (path, mtimeMs) => void orNull(() => fs.utimesSync(path, mtimeMs / 1000, mtimeMs / 1000)),
  append(path, bytes) {
    makeFolders(dirname(path))
    fs.appendFileSync(path, bytes)
  },
  claim(path, holder) {
    // A symbolic link appears with its text in one system call, and never over something that is there.
    const put = () => {
      if (process.platform === 'win32') fs.writeFileSync(path, holder, { flag: 'wx' })
      else fs.symlinkSync(holder, path)
      return true
    }
    try {
      return put()
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code
      if (code === 'EEXIST') return false
      if (code !== 'ENOENT') throw error
      makeFolders(dirname(path))
      return put()
    }
  },
  claimed: (path) =>
    orNull(() => (fs.lstatSync(path).isSymbolicLink() ? fs.readlinkSync(path) : fs.readFileSync(path, 'utf8'))),
  remove: (path) => fs.rmSync(path, { force: true, recursive: true }),
  list: (folder) => orNull(() => fs.readdirSync(folder)) ?? [],
  stat: (path, follow) => orNull(() => describe(follow ? fs.statSync(path) : fs.lstatSync(path))),
  makeFolder: (path) => makeFolders(path),
  syncFolders(paths) {
    if (process.platform === 'win32') return // folders can't be opened there; NTFS journals its entries
    for (const path of paths) {
      const folder = orNull(() => fs.openSync(path, 'r'))
      if (folder === null) continue
      try {
        fs.fsyncSync(folder)
      } finally {
        fs.closeSync(folder)
      }
    }
  },
  realPath: (path) => fs.realpathSync(path),
  open: (path) => orNull(() => slices(fs.openSync(path, 'r'))),
}

function describe(stat: fs.Stats): FileStat {
  const kind = stat.isFile() ? 'file' : stat.isDirectory() ? 'folder' : stat.isSymbolicLink() ? 'link' : 'other'
  return { kind, size: stat.size, mtimeMs: stat.mtimeMs, inode: stat.ino, birthMs: stat.birthtimeMs, mode: stat.mode }
}

function slices(file: number): Slices {
  return {
    size: fs.fstatSync(file).size,
    read(offset, length) {
      const bytes = Buffer.allocUnsafe(length)
      let done = 0
      while (done < length) {
        const count = fs.readSync(file, bytes, done, length - done, offset + done)
        if (count === 0) throw Object.assign(new Error('unexpected end of file'), { code: 'EIO' })
        done += count
      }
      return bytes
    },
    close: () => fs.closeSync(file),
  }
}

function readStdin(): Buffer {
  return isTerminal(0) ? Buffer.alloc(0) : fs.readFileSync(0)
}

/** `node:tty` brings the network stack with it, so it is only asked about what can be a terminal at all. */
function isTerminal(file: number): boolean {
  const stat = orNull(() => fs.fstatSync(file))
  return stat?.isCharacterDevice() === true && process.getBuiltinModule('node:tty').isatty(file)
}

/**
 * Writes everything at once: `process.stdout` would load the network stack for a pipe. A pipe that another program
 * made non-blocking answers EAGAIN until its reader has caught up. A reader that has gone has had enough.
 */
function writeAll(file: number, text: string): void {
  const bytes = Buffer.from(text)
  let done = 0
  while (done < bytes.length) {
    try {
      done += fs.writeSync(file, bytes, done)
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code
      if (code === 'EPIPE') return
      if (code !== 'EAGAIN') throw error
      sleep(2)
    }
  }
}

const sleep = (ms: number) => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)

const SPINNER = ['|', '/', '-', '\\']

function terminal(vars: Vars): Output {
  return {
    json: false,
    data: (text) => writeAll(1, text),
    say: (text) => writeAll(2, text),
    progress(label) {
      if (!isTerminal(2) || vars.CI !== undefined || vars.TERM === 'dumb') return () => undefined
      let current = label
      let frame = 0
      const started = performance.now()
      const draw = () => {
        if (performance.now() - started < 1000) return // what takes less stays silent
        writeAll(2, `\r\x1b[2K${SPINNER[frame++ % SPINNER.length]} ${current}`)
      }
      const timer = setInterval(draw, 200)
      return (next) => {
        if (next !== undefined) {
          current = next
          draw() // local work blocks the timer, so its steps move the line
          return
        }
        clearInterval(timer)
        if (frame > 0) writeAll(2, '\r\x1b[2K')
      }
    },
    get columns() {
      return isTerminal(1) ? process.stdout.columns : null
    },
    get colour() {
      return isTerminal(1)
    },
  }
}

async function confirm(question: string, vars: Vars): Promise<boolean | null> {
  if (!isTerminal(0) || !isTerminal(2) || vars.CI !== undefined) return null
  const prompts = await import('@clack/prompts')
  const answer = await prompts.confirm({ message: question })
  return prompts.isCancel(answer) ? false : answer
}
