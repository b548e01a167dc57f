import { services } from './global-services.mjs';

export default async function globalTeardown() {
  await services.redis?.stop();
}
