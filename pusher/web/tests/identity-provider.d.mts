export function startIdentityProvider(options: { page: string; tokenS?: number }): Promise<{
  issuer: string;
  offer: Record<string, string>;
  verify(token: string): Promise<{ sub?: string; exp?: number; name?: unknown; roles?: unknown; jti?: string }>;
  stop(): void;
}>;
