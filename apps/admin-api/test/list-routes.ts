import type { Express } from 'express';

export interface Route {
  /** `GET`. */
  method: string;
  /** As it was written: `/v1/transfers/:id`. */
  path: string;
}

interface Layer {
  rawPath: unknown;
  route?: { path: unknown; methods: Record<string, boolean> };
  handle: { stack?: Layer[]; router?: { stack: Layer[] } };
}

/** Every route of an application, out of the stack of its router, with those of the routers and applications within. */
export function listRoutes(app: Express): Route[] {
  return ofStack(app.router.stack as unknown as Layer[], '');
}

function ofStack(stack: readonly Layer[], above: string): Route[] {
  return stack.flatMap(({ rawPath, route, handle }) => {
    if (route) {
      return pathsOf(route.path).flatMap((path) =>
        Object.keys(route.methods)
          // What is left of a path's methods is refused by `all`.
          .filter((method) => method !== '_all')
          .map((method) => ({ method: method.toUpperCase(), path: above + path })),
      );
    }
    const within = handle.stack ?? handle.router?.stack;
    if (!within) return [];
    return pathsOf(rawPath).flatMap((path) => ofStack(within, above + (path === '/' ? '' : path)));
  });
}

function pathsOf(path: unknown): string[] {
  const paths = [path].flat();
  // One that is no text could hide a door from the test that asks.
  if (!paths.every((each) => typeof each === 'string')) throw new Error(`a route has a path that is no text: ${String(path)}`);
  return paths;
}
