// Real git servers on loopback, and bad ones: smart HTTP, git daemon, a cutting proxy, a port that never answers.

import { type ChildProcess, spawn } from 'node:child_process'
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, connect, createServer, type Server as NetServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { createGunzip } from 'node:zlib'
import { gitExecPath } from './programs'
import { endAndWait, keep, startServer } from './spawning'

/** A running server. `close` ends it and everything that it started, and may be called twice. */
export interface Server {
  /** The URL of a bare repository in the served folder. */
  url(repository: string): string
  close(): Promise<void>
}

/** What a server-side git may see: nothing of this machine's or this user's configuration. */
export function serverVars(home: string): NodeJS.ProcessEnv {
  return {
    PATH: process.env.PATH,
    HOME: home,
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_NOSYSTEM: '1',
    TZ: 'UTC',
    LC_ALL: 'C',
  }
}

/** What the HTTP server does instead of answering properly. */
export type HttpFault =
  | { kind: 'status'; status: 401 | 403 | 407 | 500 }
  /** Takes the request and never answers. */
  | { kind: 'hang' }
  /** Cuts the connection after so many bytes of the answer's body. */
  | { kind: 'drop'; after: number }

export interface HttpServer extends Server {
  /** Null = behave. May be changed at any time. */
  fault: HttpFault | null
  /** Only these requests fail; by default all. `service` is git-upload-pack or git-receive-pack. */
  faulty: (service: string) => boolean
  /** The requests so far: method, path and query. */
  readonly requests: string[]
}

/** Smart HTTP: `git http-backend` as CGI behind a small server. Everybody may fetch and push. */
export async function httpServer(root: string): Promise<HttpServer> {
  const backend = join(gitExecPath(), 'git-http-backend')
  const children = new Set<ChildProcess>()
  const requests: string[] = []
  const server = createHttpServer((request, response) => {
    requests.push(`${request.method} ${request.url}`)
    const service = /git-(upload|receive)-pack/.exec(request.url ?? '')?.[0] ?? ''
    const fault = self.faulty(service) ? self.fault : null
    if (fault?.kind === 'hang') return
    if (fault?.kind === 'status') return refuse(response, fault.status)
    const child = cgi(backend, root, request)
    children.add(child)
    child.once('close', () => children.delete(child))
    answer(child, response, fault?.kind === 'drop' ? fault.after : Number.POSITIVE_INFINITY)
  })
  const port = await listen(server)
  const self: HttpServer = {
    fault: null,
    faulty: () => true,
    requests,
    url: (repository) => `http://127.0.0.1:${port}/${repository}`,
    async close() {
      server.closeAllConnections()
      await Promise.all([...children].map(endAndWait))
      await closed(server)
    },
  }
  return self
}

const CHALLENGES: Record<number, Record<string, string>> = {
  401: { 'www-authenticate': 'Basic realm="test"' },
  407: { 'proxy-authenticate': 'Basic realm="proxy"' },
}

function refuse(response: ServerResponse, status: number): void {
  response.writeHead(status, CHALLENGES[status] ?? {}).end(`refused with ${status}\n`)
}

function cgi(backend: string, root: string, request: IncomingMessage): ChildProcess {
  const url = new URL(request.url ?? '/', 'http://127.0.0.1')
  const protocol = request.headers['git-protocol']
  const child = spawn(backend, {
    detached: true,
    stdio: ['pipe', 'pipe', 'ignore'],
    env: {
      ...serverVars(root),
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: 'http.receivepack',
      GIT_CONFIG_VALUE_0: 'true',
      PATH_INFO: decodeURIComponent(url.pathname),
      QUERY_STRING: url.search.slice(1),
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      REMOTE_ADDR: '127.0.0.1',
      ...(typeof protocol === 'string' ? { GIT_PROTOCOL: protocol } : {}),
    },
  })
  keep(child)
  // Unpacked here, because without CONTENT_LENGTH (a chunked body) the backend reads to the end of its input.
  const body = request.headers['content-encoding'] === 'gzip' ? request.pipe(createGunzip()) : request
  if (child.stdin) {
    child.stdin.on('error', () => undefined) // the backend refused before it had read everything
    body.pipe(child.stdin)
  }
  return child
}

/** Passes a CGI answer on: header lines, an empty line, the body. */
function answer(child: ChildProcess, response: ServerResponse, limit: number): void {
  let head: Buffer | null = Buffer.alloc(0)
  let sent = 0
  const send = (bytes: Buffer) => {
    const part = bytes.subarray(0, limit - sent)
    sent += part.length
    response.write(part, () => {
      if (sent >= limit) response.destroy()
    })
  }
  child.stdout?.on('data', (chunk: Buffer) => {
    if (head === null) return send(chunk)
    head = Buffer.concat([head, chunk])
    const end = head.indexOf('\r\n\r\n')
    if (end < 0) return
    const lines = head.subarray(0, end).toString('latin1').split('\r\n')
    const body = head.subarray(end + 4)
    head = null
    const fields = lines.map((line) => line.split(/:\s*/, 2) as [string, string])
    const status = fields.find(([name]) => name.toLowerCase() === 'status')?.[1]
    for (const [name, value] of fields) if (name.toLowerCase() !== 'status') response.setHeader(name, value)
    response.writeHead(status === undefined ? 200 : Number.parseInt(status, 10))
    if (limit <= 0) response.flushHeaders()
    send(body)
  })
  child.once('close', () => {
    if (head !== null && !response.headersSent) response.writeHead(500)
    response.end()
  })
}

/** `git://`, open for fetch and push. */
export async function gitDaemon(root: string): Promise<Server & { port: number }> {
  return onFreePort(async (port) => {
    const options = ['--reuseaddr', '--verbose', '--export-all', '--enable=receive-pack']
    const where = ['--listen=127.0.0.1', `--port=${port}`, `--base-path=${root}`, root]
    const vars = { ...serverVars(root), PATH: `${gitExecPath()}:${process.env.PATH}` }
    const child = startServer(join(gitExecPath(), 'git-daemon'), [...options, ...where], vars)
    await said(child, /Ready to rumble/)
    return {
      port,
      url: (repository: string) => `git://127.0.0.1:${port}/${repository}`,
      close: () => endAndWait(child),
    }
  })
}

export interface TcpServer {
  readonly port: number
  readonly connections: number
  close(): Promise<void>
}

/** Accepts connections and never says a word. */
export async function silentServer(): Promise<TcpServer> {
  return tcpServer(() => undefined)
}

/** Refuses connections: a port on which nobody listens. */
export async function closedPort(): Promise<number> {
  const server = await tcpServer(() => undefined)
  await server.close()
  return server.port
}

/** Passes everything on to another port and cuts the connection after so many bytes that the server sent. */
export async function cuttingProxy(target: number, after: number): Promise<TcpServer> {
  return tcpServer((socket) => {
    const upstream = connect(target, '127.0.0.1')
    upstream.on('error', () => socket.destroy())
    socket.on('error', () => upstream.destroy())
    socket.on('close', () => upstream.destroy())
    socket.pipe(upstream)
    let sent = 0
    upstream.on('data', (chunk: Buffer) => {
      const part = chunk.subarray(0, after - sent)
      sent += part.length
      if (sent < after) socket.write(part)
      else socket.end(part, () => socket.destroy())
    })
    upstream.on('end', () => socket.end())
  })
}

async function tcpServer(serve: (socket: Socket) => void): Promise<TcpServer> {
  const sockets = new Set<Socket>()
  let connections = 0
  const server = createServer((socket) => {
    connections++
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.once('close', () => sockets.delete(socket))
    serve(socket)
  })
  const port = await listen(server)
  return {
    port,
    get connections() {
      return connections
    },
    async close() {
      for (const socket of sockets) socket.destroy()
      await closed(server)
    },
  }
}

function listen(server: NetServer): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))
  })
}

function closed(server: NetServer): Promise<void> {
  return new Promise((resolve) => {
    if (server.listening) server.close(() => resolve())
    else resolve()
  })
}

/**
 * Starts a server that can't choose its port itself. Between our look and its start somebody else may take the port:
 * then the next one is tried.
 */
export async function onFreePort<T>(begin: (port: number) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await begin(await closedPort())
    } catch (error) {
      if (attempt === 3) throw error
    }
  }
}

/** Waits until a server says on stderr that it is ready; rejects with what it said when it ends instead. */
export function said(child: ChildProcess, ready: RegExp): Promise<void> {
  return new Promise((resolve, reject) => {
    let text = ''
    const fail = (why: string) => {
      clearTimeout(timer)
      reject(new Error(`${child.spawnargs.join(' ')}: ${why}\n${text}`))
    }
    const timer = setTimeout(() => void endAndWait(child).then(() => fail('not ready after 10 s')), 10_000)
    child.once('error', (error) => fail(error.message))
    child.once('exit', (status) => fail(`ended with ${status}`))
    child.stderr?.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      if (!ready.test(text)) return
      clearTimeout(timer)
      resolve()
    })
  })
}
