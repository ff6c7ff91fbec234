/**
 * The address of each node that a REDIS_URL lists: `redis://user:password@one:6379,two:6379` is a cluster's, one address alone is
 * a single server's. What stands before the nodes is for all of them.
 */
export function redisNodes(url: string): string[] {
  // The last @ ends the password, which may hold a comma.
  const { scheme = '', login = '', hosts = '', rest = '' } = SHAPE.exec(url)?.groups ?? {};
  return hosts.split(',').map((host) => `${scheme}${login}${host.trim()}${rest}`);
}

const SHAPE = /^(?<scheme>[a-z]+:\/\/)(?<login>.*@)?(?<hosts>[^/?]*)(?<rest>.*)$/;
