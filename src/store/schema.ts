// The durable format of the store: what a document looks like from outside, and what a write decides. Types only.

import type { Refusal } from '../errors'

export type Json = string | number | boolean | null | Json[] | { [name: string]: Json }

/** Highest tick seen from each writer incarnation. Orders; wall time never does. */
export type Clock = Readonly<Record<string, number>>

/**
 * A document: front matter (one `name: value` line per field; a value is a plain string or JSON) and a Markdown body.
 * The store stamps `key`, `by`, `at`, `clock` and `dot`; the folder that owns `type` owns all other fields.
 */
export interface Doc {
  head: Record<string, Json>
  body: string
  /** The field lines as they were read, so that what we don't understand goes back byte for byte. */
  raw?: Record<string, string>
}

/** One live version at a key. More than one = a conflict; the first is the winner. */
export interface Live {
  /** Object id of the document's bytes: the name of this version. */
  oid: string
  path: string
  doc: Doc
  clock: Clock
  /** True for a tombstone. */
  gone: boolean
}

/** What a decision may look at: the live versions of the keys that it asked for. */
export interface Seen {
  /** Winner first; empty when nothing is there. Tombstones are included. */
  at(key: string): Live[]
}

/** A new version of one document. `key`, `by`, `at`, `clock`, `dot` are stamped by the store. */
export interface Put {
  key: string
  head: Record<string, Json>
  body: string
  /** From the version that this one was made from: unknown fields survive. */
  raw?: Record<string, string>
  /** Ends only these live versions (ids); the others go on beside it. Absent: it ends all that were seen. */
  over?: readonly string[]
}

export interface Change<R> {
  puts: Put[]
  /** First line of the commit: a sentence that a person understands. */
  subject: string
  /** Extra `Name: value` lines for programs. */
  trailers?: Record<string, string>
  result: R
}

export type Decision<R> = Change<R> | Refusal
