// Manual pages are imported as text (a loader of the bundler; a plugin in the tests).
declare module '*.md' {
  const text: string
  export default text
}
