import 'reflect-metadata';
import { serve } from './bootstrap.js';

await serve(async () => (await import('./app.module.js')).AppModule);
