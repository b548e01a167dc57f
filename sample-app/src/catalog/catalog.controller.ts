import { Body, Controller, Get, Header, Inject, Param, Patch } from '@nestjs/common';
import type { Category } from '../database/schema.js';
import { CatalogService } from './catalog.service.js';
import { CategoryIdPipe, NewNamePipe } from './rename.pipes.js';

// The JSON is sent as it lies in the cache: it is a string here, and Express would call it HTML.
const json = 'application/json; charset=utf-8';

@Controller()
export class CatalogController {
  constructor(@Inject(CatalogService) private readonly catalog: CatalogService) {}

  @Get('catalog')
  @Header('Content-Type', json)
  readAll(): Promise<string> {
    return this.catalog.catalog();
  }

  @Get('catalog/:section')
  @Header('Content-Type', json)
  readSection(@Param('section') section: string): Promise<string> {
    return this.catalog.section(section);
  }

  @Patch('categories/:id')
  rename(@Param('id', CategoryIdPipe) id: number, @Body(NewNamePipe) name: string): Promise<Category> {
    return this.catalog.rename(id, name);
  }
}
