// A real sshd on loopback, run as the current user, and gitolite behind it.

import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { onPath } from './programs'
import { onFreePort, type Server, said, serverVars } from './servers'
import { endAndWait, startServer } from './spawning'

export interface SshServer extends Server {
  /** Lets somebody in. `publicKey` is the line of their id_ed25519.pub. */
  authorize(name: string, publicKey: string): void
  /** Configuration for `ssh -F`: the server's host key is known, nothing is ever asked. */
  clientConfig(identityFile: string): string
}

/** Makes a key pair without passphrase and returns the public line. */
export function makeKey(path: string, comment: string): string {
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', comment, '-f', path])
  return readFileSync(`${path}.pub`, 'utf8').trim()
}

/** sshd with its own host key, configuration and list of keys in `folder`; serves the repositories under `root`. */
export async function sshServer(folder: string, root: string): Promise<SshServer> {
  const keys = join(folder, 'authorized_keys')
  mkdirSync(folder, { recursive: true })
  writeFileSync(keys, '', { mode: 0o600 })
  const sshd = await startSshd(folder, keys, serverVars(root))
  return {
    ...sshd,
    url: (repository) => `ssh://${userInfo().username}@127.0.0.1:${sshd.port}${join(root, repository)}`,
    authorize: (_name, publicKey) => writeFileSync(keys, `${publicKey}\n`, { flag: 'a' }),
  }
}

/** Which refs people may push. Reading is open; everything that is not named is refused, as gitolite does. */
export const GITOLITE_RULES = {
  /** As strict teams have it: branches and tags. */
  'heads-and-tags': ['RW+ refs/heads/ = @all', 'RW+ refs/tags/ = @all'],
  /** As agent sandboxes have it: branches whose names begin in one way. */
  'agent-branches': ['RW+ refs/heads/agent/ = @all', 'R = @all'],
}

export type GitoliteRules = keyof typeof GITOLITE_RULES

/** gitolite with one repository `hub`, reached through an own sshd. */
export async function gitolite(folder: string, rules: GitoliteRules): Promise<SshServer & { repository: string }> {
  const home = join(folder, 'home')
  mkdirSync(home, { recursive: true })
  const vars = { ...serverVars(home), USER: userInfo().username, LOGNAME: userInfo().username }
  const run = (...args: string[]) => execFileSync('gitolite', args, { cwd: home, env: vars, stdio: 'pipe' })
  makeKey(join(folder, 'admin'), 'admin')
  run('setup', '-pk', join(folder, 'admin.pub'))
  const conf = join(home, '.gitolite', 'conf', 'gitolite.conf')
  const lines = ['repo hub', ...GITOLITE_RULES[rules].map((line) => `    ${line}`)]
  writeFileSync(conf, `${readFileSync(conf, 'utf8')}\n${lines.join('\n')}\n`)
  run('compile')
  const keys = join(home, '.ssh', 'authorized_keys')
  const sshd = await startSshd(join(folder, 'sshd'), keys, vars)
  return {
    ...sshd,
    repository: join(home, 'repositories', 'hub.git'),
    url: (repository) => `ssh://${userInfo().username}@127.0.0.1:${sshd.port}/${repository}`,
    authorize(name, publicKey) {
      // What gitolite itself would write for a new key, without the second that it takes for it.
      const [admin = ''] = readFileSync(keys, 'utf8')
        .split('\n')
        .filter((line) => line.startsWith('command='))
      const options = admin.slice(0, admin.indexOf(' ssh-')).replace(' admin"', ` ${name}"`)
      writeFileSync(keys, `${options} ${publicKey}\n`, { flag: 'a' })
    },
  }
}

async function startSshd(folder: string, keys: string, vars: NodeJS.ProcessEnv) {
  const program = onPath('sshd')
  if (program === null) throw new Error('sshd is not installed')
  mkdirSync(folder, { recursive: true })
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true }) // compiled into sshd; empty, for privilege separation
  const hostKey = join(folder, 'host_key')
  const publicKey = makeKey(hostKey, 'host')
  return onFreePort(async (port) => {
    const config = join(folder, 'sshd_config')
    const lines = [
      `Port ${port}`,
      'ListenAddress 127.0.0.1',
      `HostKey ${hostKey}`,
      `AuthorizedKeysFile ${keys}`,
      'PidFile none',
      'StrictModes no',
      'UsePAM no',
      'PermitRootLogin prohibit-password',
      'PasswordAuthentication no',
      'KbdInteractiveAuthentication no',
      'X11Forwarding no',
      'MaxStartups 200',
      'KexAlgorithms curve25519-sha256', // the cheapest one: these tests are not about cryptography
      'UseDNS no',
      `SetEnv ${Object.entries(vars)
        .map(([name, value]) => `${name}="${value}"`)
        .join(' ')}`,
    ]
    writeFileSync(config, `${lines.join('\n')}\n`)
    const child = startServer(program, ['-D', '-e', '-f', config], process.env)
    await said(child, /Server listening on/)
    return {
      port,
      clientConfig(identityFile: string): string {
        const file = `${identityFile}.config`
        const hosts = join(folder, 'known_hosts')
        if (!existsSync(hosts)) writeFileSync(hosts, `[127.0.0.1]:${port} ${publicKey}\n`)
        chmodSync(identityFile, 0o600)
        writeFileSync(
          file,
          [
            'Host *',
            `IdentityFile ${identityFile}`,
            'IdentitiesOnly yes',
            `UserKnownHostsFile ${hosts}`,
            'GlobalKnownHostsFile /dev/null',
            'StrictHostKeyChecking yes',
            'BatchMode yes',
            'LogLevel ERROR',
            '',
          ].join('\n'),
        )
        return file
      },
      close: () => endAndWait(child),
    }
  })
}
