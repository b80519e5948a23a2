// Sealed blocks: the unit in which the search index is written, read and checked. Words are 32 bits, little-endian.

import type { Slices } from '../env/env'
import { DstackError } from '../errors'

/** A part of a file: where it starts and how many bytes it has, both multiples of 4. */
export type Span = readonly [offset: number, length: number]

/** The failure of a file that is not what it should be; whoever sees it rebuilds the file. */
export function damaged(what: string): DstackError {
  return new DstackError('CORRUPT', `The search index is damaged: ${what}.`, {
    hint: 'It can be rebuilt from the repository at any time; nothing is lost.',
  })
}

/** Bytes that grow by sealed blocks. */
export class Writer {
  private bytes: Buffer
  private length = 0

  /** `hint`: bytes that are expected; growing past it copies. */
  constructor(hint = 0) {
    // Larger than what node takes from its pool, so that the first byte is aligned.
    this.bytes = Buffer.allocUnsafe(Math.max(hint, 1 << 16))
  }

  json(value: unknown): Span {
    const start = this.length
    const text = JSON.stringify(value)
    this.reserve(text.length * 3)
    this.length += this.bytes.write(text, start, 'utf8')
    return this.seal(start, 1)
  }

  words(words: Uint32Array): Span {
    const start = this.length
    this.add(words)
    return this.seal(start, 1)
  }

  /** Words, then bytes: a large part that is always read whole. Its seal looks at a sample only (`SAMPLE`). */
  bulk(words: Uint32Array, bytes: Uint8Array = new Uint8Array(0)): Span {
    const start = this.length
    this.add(words)
    this.add(bytes)
    return this.seal(start, SAMPLE)
  }

  /** Where sealed blocks are, for reading one at a time: two words each, without a seal. Gives the offset. */
  places(spans: readonly Span[]): number {
    const start = this.length
    // In words, so that 32 bits reach 16 GiB.
    this.add(Uint32Array.from(spans.flatMap(([offset, length]) => [offset / 4, length])))
    return start
  }

  done(): Buffer {
    return this.bytes.subarray(0, this.length)
  }

  private add(numbers: Uint32Array | Uint8Array): void {
    this.reserve(numbers.byteLength)
    this.bytes.set(new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength), this.length)
    this.length += numbers.byteLength
  }

  private seal(start: number, step: number): Span {
    this.reserve(8)
    // Blanks, because JSON may end with them.
    while (this.length % 4 !== 0) this.bytes[this.length++] = 0x20
    const words = new Uint32Array(this.bytes.buffer, this.bytes.byteOffset + start, (this.length - start) / 4)
    this.length = this.bytes.writeUInt32LE(checksum(words, step), this.length)
    return [start, this.length - start]
  }

  private reserve(count: number): void {
    if (this.length + count <= this.bytes.length) return
    const larger = Buffer.allocUnsafe(Math.max(this.bytes.length * 2, this.length + count))
    this.bytes.copy(larger, 0, 0, this.length)
    this.bytes = larger
  }
}

/**
 * Some parts are read whole for every question, and checking each of their words would cost more than all the rest.
 * One word of each sector finds what happens to files: a page that was lost, written elsewhere or filled with zeros.
 */
const SAMPLE = 128

/** The words of a sealed block; throws CORRUPT unless it is as it was written. */
export function readWords(file: Slices, span: Span): Uint32Array {
  return readBlock(file, span, 1)
}

/** The same for a block of `Writer.bulk`. */
export function readBulk(file: Slices, span: Span): Uint32Array {
  return readBlock(file, span, SAMPLE)
}

/** The value of a block of JSON. Its seal says that the shape is the one that was written. */
export function readJson(file: Slices, span: Span): unknown {
  const words = readBlock(file, span, 1)
  try {
    return JSON.parse(Buffer.from(words.buffer, words.byteOffset, words.byteLength).toString('utf8'))
  } catch {
    throw damaged('a part is no JSON')
  }
}

/** One of `Writer.places`. */
export function readPlace(file: Slices, places: number, number: number): Span {
  const [offset = 0, length = 0] = asWords(readBytes(file, [places + number * 8, 8]))
  return [offset * 4, length]
}

/** Makes a file of bytes that are in memory. */
export function inMemory(bytes: Buffer): Slices {
  return {
    size: bytes.length,
    read: (offset, length) => bytes.subarray(offset, offset + length),
    close: () => undefined,
  }
}

function readBlock(file: Slices, span: Span, step: number): Uint32Array {
  const words = asWords(readBytes(file, span))
  const last = words.length - 1
  if (words[last] !== checksum(words.subarray(0, Math.max(0, last)), step)) throw damaged('a checksum differs')
  return words.subarray(0, last)
}

function readBytes(file: Slices, [offset, length]: Span): Buffer {
  const whole = Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset % 4 === 0 && length % 4 === 0
  if (!whole || offset < 0 || length < 0 || offset + length > file.size) throw damaged('a part lies outside of it')
  return file.read(offset, length)
}

/** Without copying, unless the bytes start at an odd place: small reads come from node's pool. */
function asWords(bytes: Buffer): Uint32Array {
  if (bytes.byteOffset % 4 === 0) return new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)
  return new Uint32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length))
}

/**
 * One word for every `step`th of many. Each step is a bijection in the state and in the word, so one changed word
 * always changes the result. It guards against accidents, not against attackers, and runs before anything is compiled:
 * no multiplication, no call.
 */
function checksum(words: Uint32Array, step: number): number {
  let state = words.length
  for (let i = 0; i < words.length; i += step) state = ((state << 5) - state + (words[i] as number)) | 0
  return state >>> 0
}
