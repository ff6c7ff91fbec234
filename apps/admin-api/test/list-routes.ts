import type { Express } from 'express';

export interface Route {
  /** `GET`. */
  method: string;
  /** The path as written in the code: `/v1/transfers/:id`. */
  path: string;
}

interface Layer {
  rawPath: unknown;
  route?: { path: unknown; methods: Record<string, boolean> };
  handle: { stack?: Layer[]; router?: { stack: Layer[] } };
}

/** Every route of an application, read from its router's stack, nested routers and applications included. */
export function listRoutes(app: Express): Route[] {
  return ofStack(app.router.stack as unknown as Layer[], '');
}

function ofStack(stack: readonly Layer[], above: string): Route[] {
  return stack.flatMap(({ rawPath, route, handle }) => {
    if (route) {
      return pathsOf(route.path).flatMap((path) =>
        Object.keys(route.methods)
          // `all` refuses the remaining methods of a path.
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
  // A path that is no text could hide an entry point from this test.
  if (!paths.every((each) => typeof each === 'string')) throw new Error(`a route has a path that is no text: ${String(path)}`);
  return paths;
}
