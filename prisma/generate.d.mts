/** The full Prisma schema for a provider, made from models.prisma. */
export function schemaFor(provider: 'sqlite' | 'postgresql'): string
