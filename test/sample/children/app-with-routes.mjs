// Runs the shop, built in the folder that is given as a URL, and says at which address and with which routes.
import { NestFactory } from '@nestjs/core';

const folder = process.argv[2];
const { AppModule } = await import(new URL('shop/app.module.js', folder));
const { serveApiPage } = await import(new URL('shop/openapi/api-page.js', folder));
const app = await NestFactory.create(AppModule, { logger: false });
serveApiPage(app);
app.enableShutdownHooks();
await app.listen(0, '127.0.0.1');

const routes = app
  .getHttpAdapter()
  .getInstance()
  .router.stack.flatMap(({ route }) => route ?? [])
  .flatMap(({ path, methods }) => Object.keys(methods).map((method) => `${method} ${path}`))
  .filter((route) => !route.startsWith('get /api') && !route.includes('*'));
console.log(JSON.stringify({ type: 'ready', url: await app.getUrl(), routes }));
