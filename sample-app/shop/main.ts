import 'reflect-metadata';
import { bootstrap } from './bootstrap.js';

await bootstrap(async () => (await import('./app.module.js')).AppModule);
