// Git objects in memory: encoding, ids, and a pack of new ones for `git unpack-objects`.

/** Loaded when first needed: many commands hash and pack nothing, and both cost as much as starting git. */
const crypto = () => process.getBuiltinModule('node:crypto')
const zlib = () => process.getBuiltinModule('node:zlib')

export type Oid = string
export type ObjectType = 'commit' | 'tree' | 'blob' | 'tag'
export type ObjectFormat = 'sha1' | 'sha256'

export interface TreeEntry {
  /** As git prints it with six digits: `040000`, `100644`, `120000`, `160000` … */
  mode: string
  name: string
  oid: Oid
}

export interface Signature {
  name: string
  email: string
  /** Seconds since 1970. */
  seconds: number
  /** `+0100` */
  zone: string
}

export interface CommitFields {
  tree: Oid
  parents: readonly Oid[]
  /** The bytes behind `author ` and `committer `. */
  author: string
  committer: string
  message: string
}

interface NewObject {
  oid: Oid
  type: ObjectType
  bytes: Buffer
}

/** New objects, made in memory; nothing is in the repository before `Repo.save`. */
export class ObjectBatch {
  readonly format: ObjectFormat
  private readonly made = new Map<Oid, NewObject>()

  constructor(format: ObjectFormat) {
    this.format = format
  }

  blob(bytes: Buffer): Oid {
    return this.add('blob', bytes)
  }

  tree(entries: readonly TreeEntry[]): Oid {
    return this.add('tree', encodeTree(entries))
  }

  commit(fields: CommitFields): Oid {
    return this.add('commit', encodeCommit(fields))
  }

  /** What was made here, so that a batch can build on itself. */
  get(oid: Oid): NewObject | undefined {
    return this.made.get(oid)
  }

  get objects(): NewObject[] {
    return [...this.made.values()]
  }

  /** All objects as one pack stream. */
  pack(): Buffer {
    const header = Buffer.alloc(12)
    header.write('PACK', 0, 'latin1')
    header.writeUInt32BE(2, 4)
    header.writeUInt32BE(this.made.size, 8)
    const parts: Buffer[] = [header]
    for (const { type, bytes } of this.made.values()) {
      parts.push(packHeader(type, bytes.length), zlib().deflateSync(bytes, { level: 1 }))
    }
    const body = Buffer.concat(parts)
    return Buffer.concat([body, crypto().createHash(this.format).update(body).digest()])
  }

  private add(type: ObjectType, bytes: Buffer): Oid {
    const oid = hashObject(this.format, type, bytes)
    this.made.set(oid, { oid, type, bytes })
    return oid
  }
}

/** The id that git gives to these bytes. */
export function hashObject(format: ObjectFormat, type: ObjectType, bytes: Uint8Array): Oid {
  return crypto().createHash(format).update(`${type} ${bytes.length}\0`).update(bytes).digest('hex')
}

const PACK_TYPE: Record<ObjectType, number> = { commit: 1, tree: 2, blob: 3, tag: 4 }

/** Type in three bits, size in four and then seven bits a byte, least first. */
function packHeader(type: ObjectType, size: number): Buffer {
  const bytes: number[] = []
  let byte = (PACK_TYPE[type] << 4) | (size & 15)
  for (let rest = Math.floor(size / 16); ; rest = Math.floor(rest / 128)) {
    bytes.push(rest > 0 ? byte | 128 : byte)
    if (rest === 0) return Buffer.from(bytes)
    byte = rest & 127
  }
}

const FOLDER = '040000'

/** Sorts as git does: a folder as if its name ended in a slash. */
export function encodeTree(entries: readonly TreeEntry[]): Buffer {
  const keyed = entries.map((entry) => ({
    sort: Buffer.from(entry.mode === FOLDER ? `${entry.name}/` : entry.name),
    entry,
  }))
  keyed.sort((a, b) => Buffer.compare(a.sort, b.sort))
  return Buffer.concat(
    keyed.flatMap(({ entry }) => [
      Buffer.from(`${entry.mode.replace(/^0+/, '')} ${entry.name}\0`),
      Buffer.from(entry.oid, 'hex'),
    ]),
  )
}

export function decodeTree(bytes: Buffer, format: ObjectFormat): TreeEntry[] {
  const idLength = format === 'sha1' ? 20 : 32
  const entries: TreeEntry[] = []
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(0x20, at)
    const end = bytes.indexOf(0, space)
    entries.push({
      mode: bytes.toString('latin1', at, space).padStart(6, '0'),
      name: bytes.toString('utf8', space + 1, end),
      oid: bytes.toString('hex', end + 1, end + 1 + idLength),
    })
    at = end + 1 + idLength
  }
  return entries
}

function encodeCommit(fields: CommitFields): Buffer {
  const parents = fields.parents.map((parent) => `parent ${parent}\n`).join('')
  const head = `tree ${fields.tree}\n${parents}author ${fields.author}\ncommitter ${fields.committer}\n`
  return Buffer.from(`${head}\n${fields.message}`)
}

export function decodeCommit(bytes: Buffer): CommitFields {
  const text = bytes.toString('utf8')
  const cut = text.indexOf('\n\n')
  const lines = (cut < 0 ? text : text.slice(0, cut)).split('\n')
  const values = (name: string) =>
    lines.filter((line) => line.startsWith(`${name} `)).map((line) => line.slice(name.length + 1))
  return {
    tree: values('tree')[0] ?? '',
    parents: values('parent'),
    author: values('author')[0] ?? '',
    committer: values('committer')[0] ?? '',
    message: cut < 0 ? '' : text.slice(cut + 2),
  }
}

/** `Alice <alice@example.com> 1700000000 +0100`; characters that git forbids in a name are left out. */
export function encodeSignature(signature: Signature): string {
  const clean = (text: string) => text.replace(/[<>\n\0]/g, '').trim()
  return `${clean(signature.name)} <${clean(signature.email)}> ${signature.seconds} ${signature.zone}`
}

export function decodeSignature(text: string): Signature {
  const match = /^(.*) <(.*)> (\d+) ([+-]\d{4})$/.exec(text)
  if (match === null) return { name: text, email: '', seconds: 0, zone: '+0000' }
  return { name: match[1] ?? '', email: match[2] ?? '', seconds: Number(match[3]), zone: match[4] ?? '+0000' }
}
