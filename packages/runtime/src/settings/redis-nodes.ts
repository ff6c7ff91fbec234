/**
 * The address of each node in a REDIS_URL. `redis://user:password@one:6379,two:6379` names a cluster, one address alone
 * a single server. User and password apply to all nodes.
 */
export function redisNodes(url: string): string[] {
  // The last @ ends the password, which may contain a comma.
  const { scheme = '', login = '', hosts = '', rest = '' } = SHAPE.exec(url)?.groups ?? {};
  return hosts.split(',').map((host) => `${scheme}${login}${host.trim()}${rest}`);
}

const SHAPE = /^(?<scheme>[a-z]+:\/\/)(?<login>.*@)?(?<hosts>[^/?]*)(?<rest>.*)$/;
