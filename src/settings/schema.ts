// What a setting looks like from outside.

/** Where a value stands; later ones win. */
export type Layer = 'default' | 'team' | 'personal' | 'clone' | 'command'

export interface SettingValue {
  name: string
  value: string
  layer: Layer
  /** Where exactly: a file, a ref, `command line:`. Empty for a default. */
  origin: string
}
