// The repository in which something was said, as entries name it.

/**
 * `https://user:token@host/team/app.git` and `git@host:team/app.git` → `host/team/app`: equal for everybody who cloned it,
 * whatever the transport, without credentials. Paths of one machine say nothing to others: the folder's name.
 */
export function originOf(url: string | null, folder: string): string {
  const [, host, path] =
    /^[a-z][a-z0-9+.-]*:\/\/(?:[^/@]*@)?([^/:]+)(?::\d+)?\/(.+)$/i.exec(url ?? '') ??
    /^(?:[^/@:]+@)?([^/:]{2,}):(?!\/\/)(.+)$/.exec(url ?? '') ??
    []
  if (host !== undefined && path !== undefined) return `${host.toLowerCase()}/${bare(path)}`
  const local = url?.replace(/^file:\/\//, '') ?? folder
  return bare(local).split('/').at(-1) ?? ''
}

function bare(path: string): string {
  return path
    .replace(/\\/g, '/')
    .replace(/^\/+|\/+$/g, '')
    .replace(/(\/\.git|\.git)$/, '')
}
