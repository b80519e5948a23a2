import { slug } from 'tiny-slug'

export interface Item {
  title: string
  cents: number
}

export function total(items: readonly Item[]): number {
  return items.reduce((sum, { cents }) => sum + cents, 0)
}

export function path({ title }: Item): string {
  return `/items/${slug(title)}`
}
